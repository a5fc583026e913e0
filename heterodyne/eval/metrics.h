// Metrics of classification, accumulated batch by batch in memory that does not grow with the data; and of answers that
// are numbers, of which each answer is kept, as the scores of STS-B (Cer et al. 2017) need.
//
// Letters: B examples (or tokens, each with a label of its own), Y classes. Leading sizes [B] may be several, [B, S].
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne {

/// Whether examples have numbers in the place of classes: label_B is floating point [B], not the classes' shares.
bool are_numbers(const torch::Tensor& label_B);

/// label_B, or where labels are shares of the classes, floating point [B, Y], the class with the largest.
torch::Tensor hard_labels(const torch::Tensor& label_B);

/// Mean cross-entropy in nats over the batch, with gradient. logit_BY floating; label_B int64, or floating point [B,
/// Y]: each example's shares of the classes.
torch::Tensor cross_entropy(const torch::Tensor& logit_BY, const torch::Tensor& label_B);

/// What a network learns: cross_entropy(), or where examples have numbers the mean square of what the answers, logits
/// [B, 1], are away from them.
torch::Tensor task_loss(const torch::Tensor& logit_BY, const torch::Tensor& label_B);

/// Examples whose largest logit (the first of equals) is that of their hard_labels().
int64_t num_correct(const torch::Tensor& logit_BY, const torch::Tensor& label_B);

class ClassificationMetrics {
 public:
  void add(const torch::Tensor& logits, const torch::Tensor& labels);

  /// Labels seen.
  int64_t num_examples() const { return num_examples_; }
  /// Share of correct answers, 0 .. 1; 0 without examples.
  double accuracy() const;
  /// Mean cross-entropy in nats, or of numbers the mean square of the error; 0 without examples.
  double loss() const;
  /// Whether labels are numbers. There are no classes then, and no accuracy.
  bool are_numbers() const { return !target_.empty(); }

  /// How far the answers agree with the labels beyond chance, -1 .. 1; 0 where all answers or all labels are one class.
  /// Matthews' coefficient, of more than two classes Gorodkin's R_K (2004, equation 8).
  double matthews() const;
  /// What is said of the whole, by name: "accuracy" and "loss", of two classes also "positive_f1", the F1 of the second
  /// one, and "matthews"; of numbers "loss", "pearson" and "spearman".
  std::vector<std::pair<std::string, double>> scores() const;

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
  void add_numbers(const torch::Tensor& answer_B, const torch::Tensor& target_B);

  int64_t num_examples_ = 0, num_correct_ = 0;
  double loss_sum_ = 0;
  std::vector<int64_t> seen_Y_, answered_Y_, correct_Y_;
  std::vector<double> loss_sum_Y_;
  std::vector<double> answer_, target_;  // numbers
};

/// Pearson's coefficient, -1 .. 1, of lists of equal length; 0 where it is not defined: with fewer than two pairs, when
/// one of the lists is constant or when a number is not finite.
double pearson(const std::vector<double>& x, const std::vector<double>& y);

/// The place of each number among all, counted from 1; equal ones share the mean of their places. All must be finite.
std::vector<double> ranks(const std::vector<double>& x);

/// Spearman's coefficient: Pearson's of the ranks; 0 where that is, and when a number is not finite.
double spearman(const std::vector<double>& x, const std::vector<double>& y);

/// The names that scores() has for data of so many classes; one class stands for numbers.
std::vector<std::string> score_names(int64_t num_classes);
/// Whether a score of that name is better when it is higher.
inline bool is_better_higher(const std::string& score) { return score != "loss"; }

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
