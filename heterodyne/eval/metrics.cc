#include "heterodyne/eval/metrics.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/kernel_input.h"
#include "heterodyne/ops/rows/cross_entropy.h"

namespace heterodyne {
namespace {

constexpr int64_t kManyClasses = 128;  // from which on LibTorch's pass over all probabilities costs more than ours

// Rows whose label is not negative; a negative one says that the row is not to be learned or judged by.
struct Judged {
  torch::Tensor logit_NY, label_N;
};
Judged judged_rows(const torch::Tensor& logits, const torch::Tensor& labels) {
  Judged judged{logits.flatten(0, -2), labels.flatten()};
  if (judged.label_N.numel() == 0) return judged;
  const int64_t most = judged.label_N.max().item<int64_t>(), Y = judged.logit_NY.size(1);
  if (most >= Y) {
    throw ShapeError("metrics",
                     fmt::format("labels: expected classes 0 .. {}, those of the network, got {}", Y - 1, most));
  }
  const auto is_judged = judged.label_N.ge(0);
  if (is_judged.all().item<bool>()) return judged;
  const auto row_N = is_judged.nonzero().squeeze(1);
  return {judged.logit_NY.index_select(0, row_N), judged.label_N.index_select(0, row_N)};
}

// Throws ShapeError unless there is one answer for each number.
void check_one_answer_each(const torch::Tensor& answers, const torch::Tensor& numbers) {
  if (answers.numel() == numbers.numel()) return;
  throw ShapeError("metrics", fmt::format("answers: expected one for each of the {} numbers, got {}; the network has "
                                          "other classes than the data",
                                          numbers.numel(), shape_text(answers)));
}

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

bool are_finite(const std::vector<double>& x) {
  return std::all_of(x.begin(), x.end(), [](double value) { return std::isfinite(value); });
}

double mean_of(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

bool are_numbers(const torch::Tensor& label_B) { return label_B.is_floating_point() && label_B.dim() == 1; }

torch::Tensor hard_labels(const torch::Tensor& label_B) {
  if (are_numbers(label_B)) return torch::zeros(label_B.sizes(), torch::kInt64);
  return label_B.is_floating_point() ? label_B.argmax(-1) : label_B;
}

torch::Tensor cross_entropy(const torch::Tensor& logit_BY, const torch::Tensor& label_B) {
  if (label_B.is_floating_point()) return at::cross_entropy_loss(logit_BY, label_B.to(logit_BY.scalar_type()));
  const auto [logits, labels] = judged_rows(logit_BY, label_B);
  const bool has_many_classes = logits.size(-1) >= kManyClasses && logits.size(0) > 0;
  if (has_many_classes && ops::is_kernel_input(logits)) return ops::cross_entropy_of_rows(logits, labels).mean();
  return at::cross_entropy_loss(logits, labels);
}

torch::Tensor task_loss(const torch::Tensor& logit_BY, const torch::Tensor& label_B) {
  if (!are_numbers(label_B)) return cross_entropy(logit_BY, label_B);
  check_one_answer_each(logit_BY, label_B);
  return (logit_BY.squeeze(-1) - label_B.to(logit_BY.scalar_type())).square().mean();
}

int64_t num_correct(const torch::Tensor& logit_BY, const torch::Tensor& label_B) {
  if (are_numbers(label_B)) return 0;
  return logit_BY.detach().argmax(-1).eq(hard_labels(label_B)).sum().item<int64_t>();
}

void ClassificationMetrics::add_numbers(const torch::Tensor& answer_B, const torch::Tensor& target_B) {
  const auto answers = answer_B.detach().to(torch::kFloat64).contiguous();
  const auto targets = target_B.to(torch::kFloat64).contiguous();
  for (int64_t b = 0; b < targets.size(0); ++b) {
    answer_.push_back(answers.const_data_ptr<double>()[b]);
    target_.push_back(targets.const_data_ptr<double>()[b]);
    loss_sum_ += std::pow(answer_.back() - target_.back(), 2);
  }
  num_examples_ += targets.size(0);
}

void ClassificationMetrics::add(const torch::Tensor& logits, const torch::Tensor& labels) {
  if (heterodyne::are_numbers(labels)) {
    check_one_answer_each(logits, labels);
    return add_numbers(logits.squeeze(-1), labels);
  }
  const auto judged = judged_rows(logits, labels);
  const auto& logit_BY = judged.logit_NY;
  const auto label_B = judged.label_N.contiguous();
  const int64_t B = label_B.size(0);
  if (B == 0) return;
  const torch::NoGradGuard no_grad;
  loss_sum_ += cross_entropy(logit_BY, label_B).item<double>() * static_cast<double>(B);
  const auto loss_B =
      at::cross_entropy_loss(logit_BY, label_B, {}, at::Reduction::None).to(torch::kFloat64).contiguous();
  const auto answer_B = logit_BY.argmax(1).contiguous();
  const int64_t* answer_of = answer_B.const_data_ptr<int64_t>();
  const int64_t* label_of = label_B.const_data_ptr<int64_t>();
  const auto Y = static_cast<size_t>(logit_BY.size(1));
  if (seen_Y_.size() < Y) seen_Y_.resize(Y), answered_Y_.resize(Y), correct_Y_.resize(Y), loss_sum_Y_.resize(Y);
  for (int64_t b = 0; b < B; ++b) {
    const auto label = static_cast<size_t>(label_of[b]);
    const int64_t right = answer_of[b] == label_of[b] ? 1 : 0;
    ++seen_Y_[label];
    ++answered_Y_[static_cast<size_t>(answer_of[b])];
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

std::vector<ClassificationMetrics::ClassReport> ClassificationMetrics::report_by_class() const {
  const auto share = [](double part, double whole) { return whole > 0 ? part / whole : 0; };
  std::vector<ClassReport> reports;
  for (size_t y = 0; y < seen_Y_.size(); ++y) {
    const auto correct = static_cast<double>(correct_Y_[y]);
    ClassReport report{share(correct, static_cast<double>(answered_Y_[y])),
                       share(correct, static_cast<double>(seen_Y_[y])), 0, seen_Y_[y]};
    report.f1 = share(2 * report.precision * report.recall, report.precision + report.recall);
    reports.push_back(report);
  }
  return reports;
}

ClassificationMetrics::ClassReport ClassificationMetrics::weighted_report() const {
  ClassReport mean;
  for (const auto& report : report_by_class()) {
    const auto weight = static_cast<double>(report.support) / static_cast<double>(num_examples_);
    mean.precision += weight * report.precision;
    mean.recall += weight * report.recall;
    mean.f1 += weight * report.f1;
    mean.support += report.support;
  }
  return mean;
}

double ClassificationMetrics::matthews() const {
  const auto examples = static_cast<double>(num_examples_);
  double both = 0, answered = 0, seen = 0;
  for (size_t y = 0; y < seen_Y_.size(); ++y) {
    const auto answered_here = static_cast<double>(answered_Y_[y]), seen_here = static_cast<double>(seen_Y_[y]);
    both += answered_here * seen_here;
    answered += answered_here * answered_here;
    seen += seen_here * seen_here;
  }
  const double scale = std::sqrt(examples * examples - answered) * std::sqrt(examples * examples - seen);
  return scale > 0 ? (static_cast<double>(num_correct_) * examples - both) / scale : 0;
}

std::vector<std::pair<std::string, double>> ClassificationMetrics::scores() const {
  if (are_numbers())
    return {{"loss", loss()}, {"pearson", pearson(answer_, target_)}, {"spearman", spearman(answer_, target_)}};
  std::vector<std::pair<std::string, double>> all{{"accuracy", accuracy()}, {"loss", loss()}};
  if (seen_Y_.size() != 2) return all;
  all.emplace_back("positive_f1", report_by_class()[1].f1);
  all.emplace_back("matthews", matthews());
  return all;
}

std::vector<std::string> score_names(int64_t num_classes) {
  if (num_classes == 1) return {"loss", "pearson", "spearman"};
  if (num_classes == 2) return {"accuracy", "loss", "positive_f1", "matthews"};
  return {"accuracy", "loss"};
}

double pearson(const std::vector<double>& x, const std::vector<double>& y) {
  HETERODYNE_DCHECK(x.size() == y.size());
  if (x.size() < 2 || !are_finite(x) || !are_finite(y)) return 0;
  const double mean_x = mean_of(x), mean_y = mean_of(y);
  double xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x, dy = y[i] - mean_y;
    xx += dx * dx, yy += dy * dy, xy += dx * dy;
  }
  const double scale = std::sqrt(xx) * std::sqrt(yy);
  return scale > 0 ? std::clamp(xy / scale, -1.0, 1.0) : 0;
}

std::vector<double> ranks(const std::vector<double>& x) {
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
  std::vector<double> rank(x.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && x[order[end]] == x[order[begin]]) ++end;
    for (size_t i = begin; i < end; ++i) rank[order[i]] = static_cast<double>(begin + 1 + end) / 2;
    begin = end;
  }
  return rank;
}

double spearman(const std::vector<double>& x, const std::vector<double>& y) {
  return are_finite(x) && are_finite(y) ? pearson(ranks(x), ranks(y)) : 0;
}

std::vector<TypeAccuracy> accuracy_by_type(const ClassificationMetrics& metrics,
                                           const std::vector<std::string>& type_Y) {
  std::vector<TypeAccuracy> all;
  const auto reports = metrics.report_by_class();
  for (size_t y = 0; y < std::min(type_Y.size(), reports.size()); ++y) {
    if (reports[y].support == 0) continue;
    auto found = std::find_if(all.begin(), all.end(), [&](const TypeAccuracy& one) { return one.type == type_Y[y]; });
    if (found == all.end()) found = all.insert(found, {type_Y[y], 0, 0});
    found->num_examples += reports[y].support;
    found->accuracy += reports[y].recall * static_cast<double>(reports[y].support);
  }
  for (auto& one : all) one.accuracy /= static_cast<double>(one.num_examples);
  return all;
}

}  // namespace heterodyne
