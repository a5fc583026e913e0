#include "heterodyne/layer/merge.h"

#include <fmt/format.h>

#include "heterodyne/base/assignment.h"

namespace heterodyne {
namespace {

const ExpertSlot& slot_of(const MoeLayer& layer, int64_t id) {
  return layer.slots()[static_cast<size_t>(position_of(layer, id))];
}

// What a neuron is known by: its weights in and out, [F, ...].
torch::Tensor neurons_of(const ops::ExpertMlp& mlp) {
  std::vector<torch::Tensor> parts;
  const auto add = [&](const torch::Tensor& part_FX) {
    if (part_FX.defined()) parts.push_back(part_FX.detach().to(torch::kFloat64));
  };
  add(mlp.up_FD);
  add(mlp.gate_FD);
  if (mlp.up_bias_F.defined()) add(mlp.up_bias_F.unsqueeze(1));
  if (mlp.gate_bias_F.defined()) add(mlp.gate_bias_F.unsqueeze(1));
  add(mlp.down_OF.t());
  return torch::cat(parts, 1);
}

// Each of a pair of tensors becomes the average, the second's entries taken in this order along `axis`.
void average(const torch::Tensor& target, const torch::Tensor& other, int64_t axis, const torch::Tensor& order,
             double share) {
  if (!target.defined()) return;
  const auto aligned = axis < 0 ? other : other.index_select(axis, order);
  target.lerp_(aligned, share);
}

ops::ExpertMlp mlp_of(const MoeLayer& layer, int64_t id) {
  const auto mlp = slot_of(layer, id).expert->as_mlp();
  if (mlp.defined()) return mlp;
  throw Error(layer.layer_name(), fmt::format("merge: expected feed-forward experts, expert {} is of kind {}", id,
                                              layer.group_kind(slot_of(layer, id).group)));
}

void check(const MoeLayer& layer, int64_t id, int64_t other_id) {
  if (id == other_id)
    throw Error(layer.layer_name(), fmt::format("merge: expected two experts, got expert {} twice", id));
  const auto one = mlp_of(layer, id), other = mlp_of(layer, other_id);
  const bool is_alike = slot_of(layer, id).group == slot_of(layer, other_id).group;
  if (is_alike && one.up_FD.sizes() == other.up_FD.sizes() && one.down_OF.sizes() == other.down_OF.sizes()) return;
  throw Error(layer.layer_name(),
              fmt::format("merge: expected experts of one group and size, expert {} has {} neurons, expert {} has {}",
                          id, one.up_FD.size(0), other_id, other.up_FD.size(0)));
}

}  // namespace

std::vector<int64_t> matched_neurons(const ops::ExpertMlp& one, const ops::ExpertMlp& other) {
  const auto cost_FF = -torch::matmul(neurons_of(one), neurons_of(other).t()).contiguous();
  const auto F = static_cast<size_t>(cost_FF.size(0));
  const double* cost = cost_FF.const_data_ptr<double>();
  return cheapest_assignment({cost, cost + F * F}, F, F);
}

Resized merge_experts(MoeLayer& layer, int64_t id, int64_t other_id, double weight, double other_weight) {
  check(layer, id, other_id);
  const torch::NoGradGuard no_grad;
  const auto one = mlp_of(layer, id), other = mlp_of(layer, other_id);
  const auto order_F = torch::tensor(matched_neurons(one, other), torch::kInt64);
  const double share = other_weight / (weight + other_weight);
  average(one.up_FD, other.up_FD, 0, order_F, share);
  average(one.gate_FD, other.gate_FD, 0, order_F, share);
  average(one.up_bias_F, other.up_bias_F, 0, order_F, share);
  average(one.gate_bias_F, other.gate_bias_F, 0, order_F, share);
  average(one.down_OF, other.down_OF, 1, order_F, share);
  average(one.down_bias_O, other.down_bias_O, -1, order_F, share);
  const int64_t position = position_of(layer, id), other_position = position_of(layer, other_id);
  for (const auto& axis : layer.router().expert_axes()) {
    if (!axis.tensor.is_floating_point()) continue;
    auto entry = axis.tensor.select(axis.axis, position);
    entry.lerp_(axis.tensor.select(axis.axis, other_position).clone(), share);
  }
  return remove_expert(layer, other_id);
}

}  // namespace heterodyne
