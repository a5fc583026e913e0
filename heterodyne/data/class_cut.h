// ClassCut: which examples of the training files are for training and which for validation, class by class.
//
// Letters: N examples of the files.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/data/dataset.h"

namespace heterodyne {

/// Places of examples in the files, both rising.
struct ClassCut {
  std::vector<int64_t> train;
  std::vector<int64_t> valid;
};

/// Of each class with n examples, round(validation * n) are for validation: drawn from the stream "data.split" with
/// seed 0, so that every experiment on these files has the same split. Of the others, `per_class.count` of each class
/// are for training, drawn from the stream "data.per_class" with its seed; all of them when that is 0.
/// label_N is int64 on the CPU, 0 <= label < number of names. Throws ConfigError about per_class when a class has no
/// or too few examples.
ClassCut cut_by_class(const torch::Tensor& label_N, const std::vector<std::string>& class_names, double validation,
                      const PerClass& per_class);

}  // namespace heterodyne
