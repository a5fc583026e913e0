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

/// Throws ConfigError about `classes` of `where` unless there are two names or more that differ.
void check_class_names(const std::vector<std::string>& names, const std::string& where);

/// Of each class with n examples, round(validation * n) are for validation: drawn from the stream "data.split" with
/// seed 0, so that every experiment on these files has the same split. Of the others, `per_class.count` of each class
/// are for training, drawn from the stream "data.per_class" with its seed; all of them when that is 0.
/// label_N is int64 on the CPU, 0 <= label < number of names. Throws ConfigError about per_class when a class has no
/// or too few examples.
ClassCut cut_by_class(const torch::Tensor& label_N, const std::vector<std::string>& class_names, double validation,
                      const PerClass& per_class);

/// The same where examples come from several domains, domain_N: the share for validation is that of each class in each
/// domain, drawn with `seed`; `per_class` counts over all domains.
ClassCut cut_by_domain(const torch::Tensor& label_N, const torch::Tensor& domain_N,
                       const std::vector<std::string>& class_names, double validation, const PerClass& per_class,
                       uint64_t seed);

}  // namespace heterodyne
