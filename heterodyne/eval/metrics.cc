#include "heterodyne/eval/metrics.h"

#include <ATen/ops/cross_entropy_loss.h>

#include <limits>

namespace heterodyne {

torch::Tensor cross_entropy(const torch::Tensor& logit_BY, const torch::Tensor& label_B) {
  return at::cross_entropy_loss(logit_BY, label_B);
}

int64_t num_correct(const torch::Tensor& logit_BY, const torch::Tensor& label_B) {
  return logit_BY.detach().argmax(1).eq(label_B).sum().item<int64_t>();
}

void ClassificationMetrics::add(const torch::Tensor& logit_BY, const torch::Tensor& label_B) {
  const int64_t B = label_B.size(0);
  if (B == 0) return;
  const torch::NoGradGuard no_grad;
  loss_sum_ += cross_entropy(logit_BY, label_B).item<double>() * static_cast<double>(B);
  const auto right_B = logit_BY.argmax(1).eq(label_B).contiguous();
  const auto labels = label_B.contiguous();
  const auto Y = static_cast<size_t>(logit_BY.size(1));
  if (seen_Y_.size() < Y) seen_Y_.resize(Y), correct_Y_.resize(Y);
  for (int64_t b = 0; b < B; ++b) {
    const auto label = static_cast<size_t>(labels.const_data_ptr<int64_t>()[b]);
    const int64_t right = right_B.const_data_ptr<bool>()[b] ? 1 : 0;
    ++seen_Y_[label];
    correct_Y_[label] += right;
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

std::vector<double> ClassificationMetrics::accuracy_by_class() const {
  std::vector<double> all;
  for (size_t y = 0; y < seen_Y_.size(); ++y) {
    all.push_back(seen_Y_[y] > 0 ? static_cast<double>(correct_Y_[y]) / static_cast<double>(seen_Y_[y])
                                 : std::numeric_limits<double>::quiet_NaN());
  }
  return all;
}

}  // namespace heterodyne
