// MNIST: handwritten digits (LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document
// recognition"), 60,000 for training and 10,000 for testing.
#include "heterodyne/data/idx_images.h"

namespace heterodyne {
namespace {

struct Mnist {
  struct Options {
    Normalize normalize{{0.1307}, {0.3081}};
    Augment augment;
    ImageFit fit;
    void visit(Fields& field) {
      field("normalize", normalize, "the pixels' mean and standard deviation");
      field("augment", augment, "how training images are changed at random");
      field("fit", fit, "images brought to the size and the channels of another data set");
    }

    IdxSettings settings() const { return {normalize, augment, fit}; }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    return make_idx_dataset(source(), options.settings(), context);
  }
  static SourceFiles files() { return idx_source_files(source()); }
  static DataShape shape(const Options& options) { return options.settings().shape("mnist"); }
  static int64_t num_train(const Options&) { return idx_images_num_train(); }

 private:
  static IdxImages source() {
    return {.kind = "mnist",
            .folder_names = {"mnist"},
            .how_to_get =
                "the four IDX files of LeCun, Cortes and Burges (train-images-idx3-ubyte.gz and so on), put into "
                "a folder \"mnist\"",
            .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}};
  }
};

}  // namespace

DatasetKind dataset_kind_mnist() {
  return dataset_kind<Mnist>("handwritten digits, 28 x 28 grey, 60,000 + 10,000 (LeCun et al. 1998)");
}

}  // namespace heterodyne
