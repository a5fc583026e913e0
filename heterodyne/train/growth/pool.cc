#include "heterodyne/train/growth/pool.h"

#include <cmath>

#include "heterodyne/layer/merge.h"
#include "heterodyne/train/growth/averages.h"

namespace heterodyne {
namespace {

ExpertSlot slot_of(const MoeLayer& layer, int64_t id) {
  return layer.slots()[static_cast<size_t>(position_of(layer, id))];
}

std::string kind_of(const MoeLayer& layer, int64_t id) { return layer.group_kind(slot_of(layer, id).group); }

int64_t num_values(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& value : module.parameters()) count += value.numel();
  return count;
}

// Each tensor becomes the mean of the other experts' of its group that have its shape.
void give_mean(const MoeLayer& layer, int64_t id) {
  const torch::NoGradGuard no_grad;
  const ExpertSlot newcomer = slot_of(layer, id);
  for (auto& value : newcomer.expert->named_parameters()) {
    torch::Tensor sum;
    int64_t count = 0;
    for (const auto& slot : layer.slots()) {
      if (slot.id == id || slot.group != newcomer.group) continue;
      const auto other = slot.expert->named_parameters()[value.key()];
      if (other.sizes() != value.value().sizes()) continue;
      sum = sum.defined() ? sum + other : other.clone();
      ++count;
    }
    if (count > 0) value.value().copy_(sum / count);
  }
}

void add_noise(const MoeLayer& layer, int64_t id, double noise, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const std::string name = "growth." + layer.layer_name() + ".experts." + std::to_string(id) + ".";
  for (auto& value : slot_of(layer, id).expert->named_parameters()) {
    const auto& tensor = value.value();
    if (tensor.numel() < 2) continue;  // has no deviation
    const auto draw = RandomStream(name + value.key()).normal({seed, 0}, tensor.sizes()).to(tensor.scalar_type());
    value.value().add_(draw * (tensor.std() * noise));
  }
}

// One embedding goes one way, the other the opposite one.
void move_apart(MoeLayer& layer, int64_t parent, int64_t child, double spread, uint64_t seed) {
  const auto embedding_EP = layer.router().embeddings();
  if (!embedding_EP.defined() || spread == 0) return;
  const torch::NoGradGuard no_grad;
  auto parent_P = embedding_EP[position_of(layer, parent)], child_P = embedding_EP[position_of(layer, child)];
  const RandomStream stream("growth." + layer.layer_name() + ".router." + std::to_string(child));
  auto way_P = stream.normal({seed, 0}, parent_P.sizes()).to(parent_P.scalar_type());
  way_P *= spread * parent_P.norm() / way_P.norm();
  parent_P.sub_(way_P);
  child_P.add_(way_P);
}

// Whether the layer's router could do with these experts.
bool works_with(MoeLayer& layer, const std::vector<ExpertSlot>& slots) {
  try {
    layer.router().check_experts(layer.infos_of(slots));
  } catch (const ConfigError&) {
    return false;
  }
  return true;
}

}  // namespace

bool Pool::has_room(MoeLayer& layer, int64_t parent) const {
  if (options_.max_experts > 0 && layer.num_experts() >= options_.max_experts) return false;
  auto slots = layer.slots();
  slots.push_back(slot_of(layer, parent));
  if (!works_with(layer, slots)) return false;
  if (options_.max_params == 0) return true;
  int64_t more = num_values(*slot_of(layer, parent).expert);
  for (const auto& axis : layer.router().expert_axes()) {
    if (axis.tensor.requires_grad()) more += axis.tensor.numel() / layer.num_experts();
  }
  return num_params() + more <= options_.max_params;
}

bool Pool::can_spare(MoeLayer& layer, int64_t id) const {
  if (layer.num_experts() <= std::max<int64_t>(options_.min_experts, 1)) return false;
  auto slots = layer.slots();
  slots.erase(slots.begin() + position_of(layer, id));
  return works_with(layer, slots);
}

void Pool::begin() {
  parts_.optimizer.catch_up();
  if (events_.empty() && parts_.before_first) parts_.before_first();
}

void Pool::follow(const MoeLayer& layer, const std::vector<AxisChange>& changes) {
  parts_.optimizer.remap(layer.layer_name(), changes);
  parts_.optimizer.keep_only(parameters_of(parts_.network));
  remap_averages(parts_.averages, parts_.network, layer.layer_name(), changes);
}

void Pool::give_weights(MoeLayer& layer, int64_t id) const {
  if (options_.newcomer == "mean") give_mean(layer, id);
  if (options_.newcomer == "noisy_copy") add_noise(layer, id, options_.noise, parts_.seed);
}

int64_t Pool::add(MoeLayer& layer, const Newcomer& newcomer) {
  const int64_t group = slot_of(layer, newcomer.parent).group;
  begin();
  NewExpert wanted{group};
  const bool is_copy = options_.newcomer == "copy" || options_.newcomer == "noisy_copy";
  (is_copy ? wanted.copy_of : wanted.like) = newcomer.parent;
  const Resized resized = add_expert(layer, wanted);
  give_weights(layer, resized.id);
  const bool is_aimed =
      newcomer.toward_D.defined() && layer.router().aim(position_of(layer, resized.id), newcomer.toward_D);
  if (!is_aimed) move_apart(layer, newcomer.parent, resized.id, newcomer.spread, parts_.seed);
  follow(layer, resized.changes);
  const std::vector<int64_t> parents = is_copy ? std::vector<int64_t>{newcomer.parent} : std::vector<int64_t>{};
  events_.push_back({layer.layer_name(), newcomer.event, resized.id, parents, newcomer.reason, layer.num_experts(),
                     kind_of(layer, resized.id)});
  return resized.id;
}

void Pool::remove(MoeLayer& layer, int64_t id, const std::string& reason) {
  const std::string kind = kind_of(layer, id);  // throws when there is none, before anybody is told
  begin();
  const Resized resized = remove_expert(layer, id);
  follow(layer, resized.changes);
  events_.push_back({layer.layer_name(), "remove", id, {}, reason, layer.num_experts(), kind});
}

// The average of a merged expert would be that of two whose neurons lie in different orders; it begins anew instead,
// with its entries in the router, which speak of the tokens of both.
void Pool::merge(MoeLayer& layer, int64_t id, int64_t other_id, const std::string& reason) {
  position_of(layer, id), position_of(layer, other_id);
  begin();
  const Resized resized = merge_experts(layer, id, other_id);
  follow(layer, resized.changes);
  renew_averages(parts_.averages, layer, id);
  events_.push_back({layer.layer_name(), "merge", id, {id, other_id}, reason, layer.num_experts(), kind_of(layer, id)});
}

}  // namespace heterodyne
