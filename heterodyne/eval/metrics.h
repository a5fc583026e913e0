// Metrics of classification, accumulated batch by batch in memory that does not grow with the data.
//
// Letters: B examples (or tokens, each with a label of its own), Y classes. Leading sizes [B] may be several, [B, S].
#pragma once

#include <cstdint>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne {

/// Mean cross-entropy in nats over the batch, with gradient. logit_BY floating, label_B int64.
torch::Tensor cross_entropy(const torch::Tensor& logit_BY, const torch::Tensor& label_B);

/// Examples whose largest logit (the first of equals) is their label's.
int64_t num_correct(const torch::Tensor& logit_BY, const torch::Tensor& label_B);

class ClassificationMetrics {
 public:
  void add(const torch::Tensor& logits, const torch::Tensor& labels);

  /// Labels seen.
  int64_t num_examples() const { return num_examples_; }
  /// Share of correct answers, 0 .. 1; 0 without examples.
  double accuracy() const;
  /// Mean cross-entropy in nats; 0 without examples.
  double loss() const;
  /// Share of correct answers of each class that occurred, by label; NaN for classes that did not.
  std::vector<double> accuracy_by_class() const;
  /// Mean cross-entropy in nats of each class that occurred, by label; NaN for classes that did not.
  std::vector<double> loss_by_class() const;

 private:
  int64_t num_examples_ = 0, num_correct_ = 0;
  double loss_sum_ = 0;
  std::vector<int64_t> seen_Y_, correct_Y_;
  std::vector<double> loss_sum_Y_;
};

}  // namespace heterodyne
