#include "heterodyne/train/transfer/few_shot.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/cdist.h>
#include <ATen/ops/linalg_matrix_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/one_hot.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/permutation.h"
#include "heterodyne/eval/metrics.h"
#include "heterodyne/eval/pass.h"
#include "heterodyne/model/freeze.h"
#include "heterodyne/model/load.h"
#include "heterodyne/train/optimizer.h"

namespace heterodyne {
namespace {

constexpr const char* kFeature = "feature";
constexpr int64_t kAtATime = 256;  // examples of a pass without gradients

struct Features {
  torch::Tensor feature_BD;
  NetworkOutput output;
};

Features features_of(Network& network, const Batch& batch) {
  Features found;
  RoutingLog log;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) {
    if (name == kFeature) found.feature_BD = value;
  };
  found.output = network.forward(batch, &log);
  if (!found.feature_BD.defined())
    throw ConfigError("fewshot", "model",
                      "expected a network that shows the features before its head, such as dmmoe or resnet");
  return found;
}

double share_correct(const torch::Tensor& logit_NW, const torch::Tensor& label_N) {
  return static_cast<double>(num_correct(logit_NW, label_N)) / static_cast<double>(label_N.numel());
}

// The values of a network as they are now, and the way back to them.
class Kept {
 public:
  explicit Kept(Network& network) : state_(state_of(network)), was_training_(network.is_training()), network_(network) {
    for (const auto& [name, tensor] : state_) values_.push_back(tensor.clone());
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < state_.size(); ++i) state_[i].second.copy_(values_[i]);
    network_.train(was_training_);
    network_.zero_grad();
  }

 private:
  std::vector<std::pair<std::string, torch::Tensor>> state_;
  std::vector<torch::Tensor> values_;
  bool was_training_;
  Network& network_;
};

}  // namespace

const std::vector<std::string>& few_shot_methods() {
  static const std::vector<std::string> methods = {"nearest_mean", "linear_probe", "fine_tune_frozen", "fine_tune"};
  return methods;
}

torch::Tensor softmax_regression(const torch::Tensor& x_ND, const torch::Tensor& label_N, int64_t num_classes,
                                 double decay) {
  constexpr int64_t kSteps = 300;
  const auto x = x_ND.to(torch::kFloat64);
  const int64_t N = x.size(0), D = x.size(1);
  const auto x1 = at::cat({x, torch::ones({N, 1}, x.options())}, 1);
  const auto target_NW = at::one_hot(label_N, num_classes).to(torch::kFloat64);
  // The Hessian of the mean loss is at most (X^T X / N) / 2.
  const double norm = at::linalg_matrix_norm(x1, 2).item<double>();
  const double curvature = norm * norm / static_cast<double>(N) / 2 + decay;
  auto decay_D1 = torch::full({1, D + 1}, decay, x.options());
  decay_D1.select(1, D).zero_();
  auto weight = torch::zeros({num_classes, D + 1}, x.options());
  auto ahead = weight;
  double momentum = 1;
  for (int64_t step = 0; step < kSteps; ++step) {
    const auto error_NW = at::linear(x1, ahead).softmax(1) - target_NW;
    const auto gradient = error_NW.t().matmul(x1) / static_cast<double>(N) + ahead * decay_D1;
    const auto next = ahead - gradient / curvature;
    const double next_momentum = (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
    ahead = next + (next - weight) * ((momentum - 1) / next_momentum);
    weight = next;
    momentum = next_momentum;
  }
  return weight;
}

FewShot::FewShot(Network& network, const Dataset& dataset, Split support, Split query, FewShotOptions options)
    : network_(network), dataset_(dataset), support_(support), query_(query), options_(std::move(options)) {
  if (!options_.freeze.empty()) check_freeze(network_, options_.freeze, "freeze");
}

torch::Tensor FewShot::features(Split split, const torch::Tensor& index_N) {
  const EvalMode eval_mode(network_);
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parts;
  for (int64_t begin = 0; begin < index_N.numel(); begin += kAtATime) {
    auto batch = dataset_.get(split, index_N.narrow(0, begin, std::min(kAtATime, index_N.numel() - begin)));
    set_dtype(batch, options_.dtype);
    parts.push_back(features_of(network_, batch).feature_BD);
  }
  return at::cat(parts);
}

const torch::Tensor& FewShot::query_features() {
  if (!query_ND_.defined()) query_ND_ = features(query_, torch::arange(dataset_.size(query_)));
  return query_ND_;
}

torch::Tensor FewShot::support_features(const Episode& episode) {
  return support_ == query_ ? query_features().index_select(0, episode.support.index_N)
                            : features(support_, episode.support.index_N);
}

double FewShot::accuracy(const std::string& method, const Episode& episode, int64_t number) {
  if (method == "nearest_mean") return by_means(episode);
  if (method == "linear_probe") return by_probe(episode);
  if (method == "fine_tune") return by_tuning(episode, number, {});
  if (method == "fine_tune_frozen") return by_tuning(episode, number, options_.freeze);
  throw ConfigError("fewshot", "methods",
                    fmt::format("expected some of {}, got \"{}\"", join(few_shot_methods()), method));
}

double FewShot::by_means(const Episode& episode) {
  const auto x_ND = support_features(episode);
  const auto W = static_cast<int64_t>(episode.classes.size());
  const auto of_WN = at::one_hot(episode.support.label_N, W).to(x_ND.scalar_type()).t();
  const auto mean_WD = of_WN.matmul(x_ND) / of_WN.sum(1, true);
  const auto query_ND = query_features().index_select(0, episode.query.index_N);
  return share_correct(-at::cdist(query_ND, mean_WD), episode.query.label_N);
}

double FewShot::by_probe(const Episode& episode) {
  const auto x_ND = support_features(episode);
  const auto W = static_cast<int64_t>(episode.classes.size());
  const auto weight = softmax_regression(x_ND, episode.support.label_N, W, options_.probe_decay);
  const int64_t D = x_ND.size(1);
  const auto query_ND = query_features().index_select(0, episode.query.index_N).to(torch::kFloat64);
  return share_correct(at::linear(query_ND, weight.narrow(1, 0, D), weight.select(1, D)), episode.query.label_N);
}

double FewShot::by_tuning(const Episode& episode, int64_t number, const std::vector<std::string>& frozen) {
  const Kept kept(network_);
  Freeze freeze;
  freeze.apply(network_, frozen);
  torch::Tensor weight_WD, bias_W;
  tune(episode, number, weight_WD, bias_W);
  const EvalMode eval_mode(network_);
  const torch::NoGradGuard no_grad;
  int64_t correct = 0;
  const int64_t count = episode.query.index_N.numel();
  for (int64_t begin = 0; begin < count; begin += kAtATime) {
    const int64_t size = std::min(kAtATime, count - begin);
    auto batch = dataset_.get(query_, episode.query.index_N.narrow(0, begin, size));
    set_dtype(batch, options_.dtype);
    const auto feature_BD = features_of(network_, batch).feature_BD;
    correct += num_correct(at::linear(feature_BD, weight_WD, bias_W), episode.query.label_N.narrow(0, begin, size));
  }
  return static_cast<double>(correct) / static_cast<double>(count);
}

// A new head from zero and the network's parameters, by AdamW. Each pass over the labelled examples has an order of its
// own.
void FewShot::tune(const Episode& episode, int64_t number, torch::Tensor& weight_WD, torch::Tensor& bias_W) {
  const auto W = static_cast<int64_t>(episode.classes.size());
  const int64_t N = episode.support.index_N.numel(), size = std::min(options_.batch, N);
  const int64_t batches = (N + size - 1) / size;
  const auto optimizer = optimizers().make(Member(Table{{"kind", "adamw"}, {"weight_decay", options_.weight_decay}}));
  network_.train();
  const RandomStream stream("fewshot.order");
  const auto episode_seed = options_.seed * 1'000'003 + static_cast<uint64_t>(number);
  std::vector<int64_t> order;
  for (int64_t step = 0; step < options_.steps; ++step) {
    const int64_t b = step % batches;
    if (b == 0) order = permutation(N, stream, {episode_seed, static_cast<uint64_t>(step / batches)});
    const auto place = torch::tensor(
        std::vector<int64_t>(order.begin() + b * size, order.begin() + std::min(N, (b + 1) * size)), torch::kInt64);
    auto batch = dataset_.get(support_, episode.support.index_N.index_select(0, place));
    set_dtype(batch, options_.dtype);
    batch.label_B = episode.support.label_N.index_select(0, place);
    batch.random = {episode_seed, static_cast<uint64_t>(step)};
    network_.zero_grad();
    const auto [feature_BD, output] = features_of(network_, batch);
    if (!weight_WD.defined()) {
      weight_WD = torch::zeros({W, feature_BD.size(1)}, feature_BD.options()).set_requires_grad(true);
      bias_W = torch::zeros({W}, feature_BD.options()).set_requires_grad(true);
    }
    for (auto* head : {&weight_WD, &bias_W}) head->mutable_grad().reset();
    auto loss = cross_entropy(at::linear(feature_BD, weight_WD, bias_W), batch.label_B);
    for (const auto& [name, part] : output.losses) loss = loss + part;
    loss.backward();
    auto parameters = parameters_of(network_);
    parameters.emplace_back("fewshot.weight", weight_WD);
    parameters.emplace_back("fewshot.bias", bias_W);
    optimizer->step(parameters, options_.lr);
  }
  weight_WD = weight_WD.detach();
  bias_W = bias_W.detach();
}

}  // namespace heterodyne
