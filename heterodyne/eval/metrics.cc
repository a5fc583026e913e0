#include "heterodyne/eval/metrics.h"

#include <ATen/ops/cross_entropy_loss.h>

#include <limits>

#include "heterodyne/ops/kernel_input.h"
#include "heterodyne/ops/rows/cross_entropy.h"

namespace heterodyne {
namespace {

constexpr int64_t kManyClasses = 128;  // from which on LibTorch's pass over all probabilities costs more than ours

// sum / count of each class; NaN for classes that did not occur.
template <class Number>
std::vector<double> means(const std::vector<Number>& sum_Y, const std::vector<int64_t>& count_Y) {
  std::vector<double> mean_Y;
  for (size_t y = 0; y < count_Y.size(); ++y) {
    mean_Y.push_back(count_Y[y] > 0 ? static_cast<double>(sum_Y[y]) / static_cast<double>(count_Y[y])
                                    : std::numeric_limits<double>::quiet_NaN());
  }
  return mean_Y;
}

}  // namespace

torch::Tensor cross_entropy(const torch::Tensor& logit_BY, const torch::Tensor& label_B) {
  const auto logits = logit_BY.flatten(0, -2), labels = label_B.flatten();
  const bool has_many_classes = logits.size(-1) >= kManyClasses && logits.size(0) > 0;
  if (has_many_classes && ops::is_kernel_input(logits)) return ops::cross_entropy_of_rows(logits, labels).mean();
  return at::cross_entropy_loss(logits, labels);
}

int64_t num_correct(const torch::Tensor& logit_BY, const torch::Tensor& label_B) {
  return logit_BY.detach().argmax(-1).eq(label_B).sum().item<int64_t>();
}

void ClassificationMetrics::add(const torch::Tensor& logits, const torch::Tensor& labels) {
  const auto logit_BY = logits.flatten(0, -2), label_B = labels.flatten().contiguous();
  const int64_t B = label_B.size(0);
  if (B == 0) return;
  const torch::NoGradGuard no_grad;
  loss_sum_ += cross_entropy(logit_BY, label_B).item<double>() * static_cast<double>(B);
  const auto loss_B =
      at::cross_entropy_loss(logit_BY, label_B, {}, at::Reduction::None).to(torch::kFloat64).contiguous();
  const auto right_B = logit_BY.argmax(1).eq(label_B).contiguous();
  const int64_t* label_of = label_B.const_data_ptr<int64_t>();
  const auto Y = static_cast<size_t>(logit_BY.size(1));
  if (seen_Y_.size() < Y) seen_Y_.resize(Y), correct_Y_.resize(Y), loss_sum_Y_.resize(Y);
  for (int64_t b = 0; b < B; ++b) {
    const auto label = static_cast<size_t>(label_of[b]);
    const int64_t right = right_B.const_data_ptr<bool>()[b] ? 1 : 0;
    ++seen_Y_[label];
    correct_Y_[label] += right;
    loss_sum_Y_[label] += loss_B.const_data_ptr<double>()[b];
    num_correct_ += right;
  }
  num_examples_ += B;
}

double ClassificationMetrics::accuracy() const {
  return num_examples_ > 0 ? static_cast<double>(num_correct_) / static_cast<double>(num_examples_) : 0;
}

double ClassificationMetrics::loss() const {
  return num_examples_ > 0 ? loss_sum_ / static_cast<double>(num_examples_) : 0;
}

std::vector<double> ClassificationMetrics::accuracy_by_class() const { return means(correct_Y_, seen_Y_); }

std::vector<double> ClassificationMetrics::loss_by_class() const { return means(loss_sum_Y_, seen_Y_); }

}  // namespace heterodyne
