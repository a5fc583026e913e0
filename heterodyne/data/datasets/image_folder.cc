// Pictures in a folder for each class, as ImageNet is laid out: train/dog/1.jpg, train/cat/2.png, ...
#include <utility>

#include "heterodyne/data/image_tree.h"

namespace heterodyne {
namespace {

constexpr const char* kImageFolder = "data.image_folder";

struct ImageFolder {
  struct Options {
    std::string path;
    std::string test_path;
    PictureOptions pictures;
    void visit(Fields& field) {
      field("path", path,
            "the folder with a folder of training pictures for each class; looked for in the folders with data",
            required());
      field("test_path", test_path, "the same of the test", required());
      pictures.visit(field);
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    options.pictures.shape(kImageFolder);
    const auto read = [options, context](const std::string& name) {
      const auto root = find_image_root(context, name, kImageFolder, kHint);
      return options.pictures.read(list_classes(root, options.pictures.classes));
    };
    ImageSource source = options.pictures.source(context);
    source.train = read(options.path);
    source.load_test = [read, path = options.test_path] { return read(path); };
    return std::make_unique<ImageDataset>(std::move(source));
  }
  static DataShape shape(const Options& options) { return options.pictures.shape(kImageFolder); }
  static int64_t num_train(const Options&) { return 0; }  // unknown

 private:
  static constexpr const char* kHint = "Expected is FOLDER/CLASS/PICTURE.jpg: --set data.path=FOLDER";
};

}  // namespace

DatasetKind dataset_kind_image_folder() {
  return dataset_kind<ImageFolder>("pictures in a folder for each class, brought to one size");
}

}  // namespace heterodyne
