// MNIST: handwritten digits (LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document
// recognition"), 60,000 for training and 10,000 for testing.
#include "heterodyne/data/idx_images.h"

namespace heterodyne {
namespace {

struct Mnist : IdxDataset<Mnist> {
  static Normalize normalize() { return {{0.1307}, {0.3081}}; }
  static IdxImages images() {
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
