#include "heterodyne/layer/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>

#include "heterodyne/nn/undrawn.h"

namespace heterodyne {
namespace {

// Of an expert that something is taken from, which must be of the group; -1 without one.
int64_t position_in_group(const MoeLayer& layer, std::optional<int64_t> id, int64_t group, const char* setting) {
  if (!id) return -1;
  const int64_t position = position_of(layer, *id);
  const auto& slot = layer.slots()[static_cast<size_t>(position)];
  if (slot.group == group) return position;
  throw Error(layer.layer_name(), fmt::format("{}: expected an expert of group {}, got expert {} of group {}", setting,
                                              group, slot.id, slot.group));
}

// Rearranges the router and reports it.
std::vector<AxisChange> resize_router(MoeLayer& layer, const std::vector<ExpertSlot>& slots,
                                      const std::vector<int64_t>& source_E, int64_t copied_position) {
  layer.router().set_experts(layer.infos_of(slots));
  std::vector<AxisChange> changes;
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor, axis] : layer.router().expert_axes()) {
    AxisChange change{"router." + name, axis, source_E};
    const auto fill = copied_position < 0 ? torch::Tensor() : tensor.select(axis, copied_position).unsqueeze(axis);
    const auto values = rearranged(tensor, change, fill);
    tensor.set_data(torch::empty_like(values));
    tensor.copy_(values);  // a new version of the tensor, for who keeps something made of it
    tensor.mutable_grad() = torch::Tensor();
    changes.push_back(std::move(change));
  }
  return changes;
}

// On one thread where that can be: an expert's tensors are so small that waking others takes longer than the copy.
void copy_tensor(torch::Tensor& target, const torch::Tensor& source) {
  const bool is_plain = target.is_cpu() && source.is_cpu() && target.scalar_type() == source.scalar_type() &&
                        target.is_contiguous() && source.is_contiguous() && target.sizes() == source.sizes();
  if (is_plain && target.nbytes() > 0) {
    std::memcpy(target.mutable_data_ptr(), source.const_data_ptr(), target.nbytes());
  } else {
    target.copy_(source);
  }
}

void copy_values(torch::nn::Module& target, const torch::nn::Module& source) {
  const torch::NoGradGuard no_grad;
  const auto from = source.named_parameters();
  for (auto& parameter : target.named_parameters()) copy_tensor(parameter.value(), from[parameter.key()]);
  const auto buffers = source.named_buffers();
  for (auto& buffer : target.named_buffers()) copy_tensor(buffer.value(), buffers[buffer.key()]);
}

// Gives a new expert the layer's dtype, device and mode.
void settle_in(const MoeLayer& layer, Expert& expert) {
  for (const auto& slot : layer.slots()) {
    const auto values = slot.expert->parameters();
    if (values.empty()) continue;  // of a kind that has none
    expert.to(values.front().device(), values.front().scalar_type());
    break;
  }
  expert.train(layer.is_training());
}

int64_t integer_of(const Table& table, const char* key, const std::string& file) {
  const Value* value = table.find(key);
  if (value == nullptr || !value->if_integer()) {
    throw FormatError::in_file(file, fmt::format("experts of a layer: expected a whole number for \"{}\"", key));
  }
  return *value->if_integer();
}

}  // namespace

int64_t position_of(const MoeLayer& layer, int64_t id) {
  const auto& slots = layer.slots();
  const auto found = std::find_if(slots.begin(), slots.end(), [&](const ExpertSlot& slot) { return slot.id == id; });
  if (found == slots.end()) throw Error(layer.layer_name(), fmt::format("expert {}: not in this layer", id));
  return found - slots.begin();
}

void set_frozen(MoeLayer& layer, int64_t id, bool is_frozen) {
  auto slots = layer.slots();
  auto& slot = slots[static_cast<size_t>(position_of(layer, id))];
  slot.is_frozen = is_frozen;
  for (auto& parameter : slot.expert->parameters()) {
    parameter.set_requires_grad(!is_frozen);
    if (is_frozen) parameter.mutable_grad() = torch::Tensor();
  }
  layer.set_slots(std::move(slots));
}

torch::Tensor rearranged(const torch::Tensor& tensor, const AxisChange& change, const torch::Tensor& fill_rest) {
  const auto& source_E = change.source_E;
  torch::Tensor fill = fill_rest;
  if (!fill.defined() && std::ranges::min(source_E) < 0) fill = tensor.mean(change.axis, true);
  std::vector<torch::Tensor> parts;  // neighbours that stay neighbours come in one
  for (size_t begin = 0, end = 0; begin < source_E.size(); begin = end) {
    const int64_t source = source_E[begin];
    for (end = begin + 1; source >= 0 && end < source_E.size() && source_E[end] == source_E[end - 1] + 1;) ++end;
    parts.push_back(source < 0 ? fill.expand_as(tensor.narrow(change.axis, 0, 1))
                               : tensor.narrow(change.axis, source, static_cast<int64_t>(end - begin)));
  }
  return torch::cat(parts, change.axis).detach();
}

Resized add_expert(MoeLayer& layer, const NewExpert& wanted) {
  if (wanted.group < 0 || wanted.group >= layer.num_groups()) {
    throw Error(layer.layer_name(),
                fmt::format("group: expected 0 .. {}, got {}", layer.num_groups() - 1, wanted.group));
  }
  auto slots = layer.slots();
  const int64_t copied = position_in_group(layer, wanted.copy_of, wanted.group, "copy_of");
  const int64_t like = copied >= 0 ? copied : position_in_group(layer, wanted.like, wanted.group, "like");
  const auto after_group =
      std::find_if(slots.begin(), slots.end(), [&](const ExpertSlot& slot) { return slot.group > wanted.group; });
  const int64_t position = after_group - slots.begin();
  const int64_t index = like >= 0 ? slots[static_cast<size_t>(like)].index : layer.next_id();
  ExpertSlot slot;
  {
    std::optional<nn::Undrawn> undrawn;
    if (copied >= 0) undrawn.emplace();
    slot = layer.make_expert(wanted.group, index);
  }
  settle_in(layer, *slot.expert);
  if (copied >= 0) copy_values(*slot.expert, *slots[static_cast<size_t>(copied)].expert);

  std::vector<int64_t> source_E(slots.size());
  std::iota(source_E.begin(), source_E.end(), 0);
  source_E.insert(source_E.begin() + position, -1);
  const int64_t id = slot.id;
  slots.insert(slots.begin() + position, std::move(slot));
  auto changes = resize_router(layer, slots, source_E, like);  // first: it may refuse
  layer.set_slots(std::move(slots));
  return {id, std::move(changes)};
}

Resized remove_expert(MoeLayer& layer, int64_t id) {
  const int64_t position = position_of(layer, id);
  if (layer.num_experts() == 1) throw Error(layer.layer_name(), fmt::format("expert {}: is the last of its layer", id));
  std::vector<int64_t> source_E(layer.slots().size());
  std::iota(source_E.begin(), source_E.end(), 0);
  source_E.erase(source_E.begin() + position);
  auto slots = layer.slots();
  slots.erase(slots.begin() + position);
  auto changes = resize_router(layer, slots, source_E, -1);  // first: it may refuse
  layer.set_slots(std::move(slots));
  return {id, std::move(changes)};
}

Table topology(const MoeLayer& layer) {
  Array experts;
  for (const auto& slot : layer.slots()) {
    Table expert{{"id", slot.id}, {"group", slot.group}, {"index", slot.index}, {"kind", layer.group_kind(slot.group)}};
    if (slot.is_frozen) expert.set("frozen", true);
    experts.emplace_back(std::move(expert));
  }
  return {{"next_id", layer.next_id()}, {"experts", std::move(experts)}};
}

void set_topology(MoeLayer& layer, const Table& table, const std::string& file) {
  if (topology(layer) == table) return;
  const Value* list = table.find("experts");
  if (list == nullptr || !list->if_array() || list->if_array()->empty()) {
    throw FormatError::in_file(file, layer.layer_name() + ": expected a list of experts");
  }
  const int64_t next_id = integer_of(table, "next_id", file);
  std::set<int64_t> ids;
  std::vector<int64_t> frozen_ids;
  std::vector<ExpertSlot> slots;
  for (const Value& item : *list->if_array()) {
    if (!item.if_table()) throw FormatError::in_file(file, layer.layer_name() + ": expected a table for each expert");
    const int64_t group = integer_of(*item.if_table(), "group", file);
    const bool known = group >= 0 && group < layer.num_groups();
    const Value* kind = item.if_table()->find("kind");
    if (!known || kind == nullptr || !(*kind == Value(layer.group_kind(group)))) {
      throw FormatError::in_file(
          file, fmt::format("{}: an expert of group {} does not fit this network's groups", layer.layer_name(), group));
    }
    const int64_t id = integer_of(*item.if_table(), "id", file), index = integer_of(*item.if_table(), "index", file);
    if (id < 0 || id >= next_id || index < 0 || !ids.insert(id).second) {
      throw FormatError::in_file(
          file, fmt::format("{}: expected ids below next_id = {}, each once, and indices from 0, got id {}, index {}",
                            layer.layer_name(), next_id, id, index));
    }
    layer.set_next_id(id);
    slots.push_back(layer.make_expert(group, index));
    settle_in(layer, *slots.back().expert);
    const Value* frozen = item.if_table()->find("frozen");
    if (frozen && *frozen == Value(true)) frozen_ids.push_back(id);
  }
  layer.set_next_id(next_id);
  // Entries of the router are loaded afterwards; only their number matters here.
  resize_router(layer, slots, std::vector<int64_t>(slots.size(), -1), -1);
  layer.set_slots(std::move(slots));
  for (const int64_t id : frozen_ids) set_frozen(layer, id, true);
}

}  // namespace heterodyne
