// Metrics of classification, accumulated batch by batch in memory that does not grow with the data.
//
// Letters: B examples (or tokens, each with a label of its own), Y classes. Leading sizes [B] may be several, [B, S].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne {

/// label_B, or where labels are shares of the classes, floating point [B, Y], the class with the largest.
torch::Tensor hard_labels(const torch::Tensor& label_B);

/// Mean cross-entropy in nats over the batch, with gradient. logit_BY floating; label_B int64, or floating point [B,
/// Y]: each example's shares of the classes.
torch::Tensor cross_entropy(const torch::Tensor& logit_BY, const torch::Tensor& label_B);

/// Examples whose largest logit (the first of equals) is that of their hard_labels().
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

  /// How well each class is told from the others.
  struct ClassReport {
    double precision = 0;  // of the answers that name the class, the share that is right; 0 without any
    double recall = 0;     // of its examples, the share that is answered so; 0 without any
    double f1 = 0;         // harmonic mean of the two; 0 when both are
    int64_t support = 0;   // its examples
  };
  /// By label.
  std::vector<ClassReport> report_by_class() const;
  /// The mean of the classes' reports, each counting as often as it has examples; its support is all examples.
  ClassReport weighted_report() const;

 private:
  int64_t num_examples_ = 0, num_correct_ = 0;
  double loss_sum_ = 0;
  std::vector<int64_t> seen_Y_, answered_Y_, correct_Y_;
  std::vector<double> loss_sum_Y_;
};

/// Of the classes of one sort: examples, and the share of correct answers, 0 .. 1.
struct TypeAccuracy {
  std::string type;
  int64_t num_examples = 0;
  double accuracy = 0;
};

/// `type_Y` names the sort of each class. Sorts come in the order of their first class; those without examples are left
/// out.
std::vector<TypeAccuracy> accuracy_by_type(const ClassificationMetrics& metrics,
                                           const std::vector<std::string>& type_Y);

}  // namespace heterodyne
