// Fashion-MNIST: pictures of clothing in the format of MNIST (Xiao, Rasul and Vollgraf 2017, "Fashion-MNIST: a novel
// image dataset for benchmarking machine learning algorithms"), 60,000 for training and 10,000 for testing.
#include "heterodyne/data/idx_images.h"

namespace heterodyne {
namespace {

struct FashionMnist {
  struct Options {
    Normalize normalize{{0.2860}, {0.3530}};
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
  static DataShape shape(const Options& options) { return options.settings().shape("fashion_mnist"); }
  static int64_t num_train(const Options&) { return idx_images_num_train(); }

 private:
  static IdxImages source() {
    return {.kind = "fashion_mnist",
            .folder_names = {"fashion-mnist", "fashion_mnist"},
            .how_to_get = "apt-get install dataset-fashion-mnist",
            .class_names = {"t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
                            "ankle boot"}};
  }
};

}  // namespace

DatasetKind dataset_kind_fashion_mnist() {
  return dataset_kind<FashionMnist>("clothing, 28 x 28 grey, 60,000 + 10,000 (Xiao et al. 2017)");
}

}  // namespace heterodyne
