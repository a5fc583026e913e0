// Fashion-MNIST: pictures of clothing in the format of MNIST (Xiao, Rasul and Vollgraf 2017, "Fashion-MNIST: a novel
// image dataset for benchmarking machine learning algorithms"), 60,000 for training and 10,000 for testing.
#include "heterodyne/data/idx_images.h"

namespace heterodyne {
namespace {

struct FashionMnist : IdxDataset<FashionMnist> {
  static Normalize normalize() { return {{0.2860}, {0.3530}}; }
  static IdxImages images() {
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
