#include "heterodyne/train/step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/metrics.h"

namespace heterodyne {
namespace {

// Repeats the forward pass, which draws the same numbers, and looks at every intermediate result. Empty when all that
// was computed before an error is finite.
std::string first_non_finite(Network& network, const Batch& batch) {
  const torch::NoGradGuard no_grad;
  std::string found;
  RoutingLog log;
  log.on_value = [&](const std::string& name, const torch::Tensor& value) {
    if (!found.empty()) return;
    const auto rows = value.reshape({-1, value.size(-1)});
    const int64_t num_bad = torch::isfinite(rows).logical_not().any(1).sum().item<int64_t>();
    if (num_bad > 0) found = fmt::format("{}, {} of {} rows", name, with_commas(num_bad), with_commas(rows.size(0)));
  };
  try {
    network.forward(batch, &log);
  } catch (const Error&) {
    return found;
  }
  return found.empty() ? "the loss itself" : found;
}

[[noreturn]] void fail_on_loss(Network& network, const Batch& batch, const std::string& what) {
  const std::string first = first_non_finite(network, batch);
  throw Error(what + (first.empty() ? "; all before them is finite" : "; first non-finite value: " + first));
}

void check_gradients(const NamedParameters& parameters, double norm) {
  if (std::isfinite(norm)) return;
  for (const auto& [name, parameter] : parameters) {
    const auto& gradient = parameter.grad();
    if (gradient.defined() && !torch::isfinite(gradient).all().item<bool>()) {
      throw Error(fmt::format("the gradient of {} is not finite; the loss still was", name));
    }
  }
  throw Error("the norm of the gradients overflows");
}

// What the batches of a step share.
struct StepParts {
  Network& network;
  Optimizer& optimizer;
  Profile* profile;
  StepResult& result;
  std::map<std::string, double> losses;
};

void backward(const torch::Tensor& loss, Profile* profile) {
  watch_backward(loss, profile);
  const ProfileSpan span(profile, "backward");
  loss.backward();
  if (profile) profile->clear_nodes();
}

// Forward and backward of one batch, which counts for `share` of the step.
std::vector<Sums> accumulate(const Batch& batch, double share, StepParts& step) {
  auto& [network, optimizer, profile, result, parts] = step;
  RoutingLog log;
  log.profile = profile;
  if (optimizer.is_behind()) {
    log.before_experts = [&optimizer = optimizer](const std::string& layer, const std::vector<int64_t>& ids) {
      optimizer.catch_up(layer, ids);
    };
  }
  NetworkOutput output;
  try {
    const ProfileSpan span(profile, "network");
    output = network.forward(batch, &log);
  } catch (const ShapeError&) {
    throw;
  } catch (const Error& error) {
    // A router refuses scores that are no numbers; where they come from is worth knowing.
    fail_on_loss(network, batch, error.what());
  }
  torch::Tensor loss;
  {
    const ProfileSpan span(profile, "losses");
    loss = task_loss(output.logit_BY, batch.label_B);
    parts["task"] += share * loss.item<double>();
    for (const auto& [name, part] : output.losses) {
      loss = loss + part;
      parts[name] += share * part.item<double>();
    }
  }
  const double value = loss.item<double>();
  if (!std::isfinite(value)) fail_on_loss(network, batch, std::isnan(value) ? "loss is NaN" : "loss is infinite");
  backward(loss * share, profile);
  result.loss += share * value;
  result.num_examples += hard_labels(batch.label_B).ge(0).sum().item<int64_t>();  // others are not learned
  result.carry = std::move(output.carry);
  result.num_correct += num_correct(output.logit_BY, batch.label_B);
  result.routing.add(log);
  return output.sums;
}

void add_sums(std::vector<Sums>& total, const std::vector<Sums>& more) {
  total.resize(std::max(total.size(), more.size()));
  for (size_t l = 0; l < more.size(); ++l) {
    for (const auto& [name, value] : more[l]) {
      auto& sum = total[l][name];
      sum = sum.defined() ? sum + value : value;
    }
  }
}

}  // namespace

StepResult train_step(Network& network, Optimizer& optimizer, const StepInput& input) {
  StepResult result;
  StepParts step{network, optimizer, input.profile, result, {}};
  std::vector<Sums>& sums = result.sums;
  network.zero_grad();
  result.carry = input.carry;
  for (Batch batch : input.batches) {
    batch.take_over(std::move(result.carry));
    batch.sums_before = sums;
    add_sums(sums, accumulate(batch, 1.0 / static_cast<double>(input.batches.size()), step));
  }
  const ProfileSpan span(input.profile, "optimizer");
  const auto parameters = parameters_of(network);
  result.grad_norm = clip_gradients(parameters, input.clip_norm);
  check_gradients(parameters, result.grad_norm);
  optimizer.step(parameters, input.lr);
  const auto layers = network.moe_layers();
  for (size_t l = 0; l < layers.size(); ++l) layers[l]->after_step(sums[l]);

  result.loss_parts.emplace_back("task", step.losses.at("task"));
  for (const auto& [name, value] : step.losses) {
    if (name != "task") result.loss_parts.emplace_back(name, value);
  }
  return result;
}

}  // namespace heterodyne
