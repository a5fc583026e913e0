#include "heterodyne/convert/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/convert/dense_layers.h"
#include "heterodyne/model/load.h"

namespace heterodyne {
namespace {

// A layer's neurons as they are divided: what all have, and each expert's own.
struct Division {
  std::vector<int64_t> common;
  std::vector<std::vector<int64_t>> own_E;
  std::vector<double> share_F;  // 1 / how many experts have it
};

Division divide(const NeuronMap& map) {
  Division division{map.are_copies() ? std::vector<int64_t>{} : map.common(), {}, {}};
  for (int64_t e = 0; e < map.num_experts; ++e) {
    std::vector<int64_t> own;
    for (const int64_t n : map.neurons_of(e)) {
      if (!std::binary_search(division.common.begin(), division.common.end(), n)) own.push_back(n);
    }
    division.own_E.push_back(std::move(own));
  }
  for (const auto& experts : map.experts_F) {
    const bool is_common =
        !division.common.empty() && static_cast<int64_t>(experts.size()) == map.num_experts && map.num_experts > 1;
    division.share_F.push_back(experts.empty() || is_common ? 1.0 : 1.0 / static_cast<double>(experts.size()));
  }
  return division;
}

// Experts of these widths, in all else like the dense layer.
Table expert_group(const Table& dense, const std::vector<int64_t>& widths) {
  Array hidden;
  for (const int64_t width : widths) hidden.emplace_back(width);
  Table group = dense;
  group.set("hidden", std::move(hidden));
  return group;
}

Table layer_settings(const Table& dense, int64_t layer, const NeuronMap& map) {
  const Division division = divide(map);
  std::vector<int64_t> widths;
  for (size_t e = 0; e < division.own_E.size(); ++e) {
    widths.push_back(static_cast<int64_t>(division.own_E[e].size()));
    if (widths.back() == 0)
      throw Error("convert.build",
                  fmt::format("layer {}: expected neurons of its own for expert {}, got none", layer, e));
  }
  Table settings{{"experts", Array{expert_group(dense, widths)}}};
  if (!division.common.empty())
    settings.set("shared", Array{expert_group(dense, {static_cast<int64_t>(division.common.size())})});
  return settings;
}

// What the parts of a feed-forward expert are called; without a gate there may be biases.
struct PartNames {
  std::string gate, up, down, up_bias, down_bias;
};
const PartNames kGatedNames{"w1.weight", "w3.weight", "w2.weight", "", ""};
const PartNames kPlainNames{"", "up.weight", "down.weight", "up.bias", "down.bias"};

torch::Tensor index_of(const std::vector<int64_t>& neurons) { return torch::tensor(neurons, torch::kInt64); }

class Copier {
 public:
  Copier(const NamedTensors& source, Network& target, const ConversionPlan& plan)
      : plan_(plan), source_(source.begin(), source.end()) {
    for (const auto& [name, tensor] : state_of(target)) target_.emplace(name, tensor);
    coverage_.source_total = static_cast<int64_t>(source_.size());
  }

  CopyCoverage copy() {
    for (const auto& [layer, map] : plan_.maps) copy_layer(layer, map);
    for (const auto& [name, tensor] : target_) {
      const auto found = source_.find(name);
      if (found == source_.end() || done_.count(name) > 0) continue;
      put(name, found->second);
      used_.insert(name);
    }
    for (const auto& [name, tensor] : target_) {
      if (done_.count(name) > 0) continue;
      if (name.find(".router.") == std::string::npos)
        throw Error("convert.build", fmt::format("{}: expected a source for it, found none", name));
      ++coverage_.target_new;
    }
    coverage_.source_used = static_cast<int64_t>(used_.size());
    coverage_.target_from_source = static_cast<int64_t>(done_.size()) - num_made_;
    coverage_.target_new += num_made_;
    return coverage_;
  }

 private:
  void copy_layer(int64_t layer, const NeuronMap& map) {
    const std::string name = fmt::format("layers.{}.", layer);
    const Division division = divide(map);
    coverage_.neurons_left_out += map.num_left_out();
    const bool is_gated = source_.count(name + kGatedNames.gate) > 0;
    const PartNames& parts = is_gated ? kGatedNames : kPlainNames;
    const auto key = source(name + (is_gated ? parts.gate : parts.up)), down = source(name + parts.down);
    if (key.size(0) != map.num_neurons()) {
      throw Error("convert.build",
                  fmt::format("layer {}: expected a map of {} neurons, got {}", layer, key.size(0), map.num_neurons()));
    }
    const double factor = plan_.combine == "mean" ? static_cast<double>(map.num_experts) : 1;
    const auto share_F = torch::tensor(division.share_F, torch::kFloat64).to(down.scalar_type());
    const auto shared_down = down * share_F, own_down = shared_down * factor;
    const bool has_shared = !division.common.empty();
    const double part_of_bias = has_shared ? 0 : factor / static_cast<double>(map.num_experts);
    for (size_t e = 0; e < division.own_E.size(); ++e)
      put_expert({name, fmt::format("{}experts.{}.", name, e), parts}, division.own_E[e], own_down, part_of_bias);
    if (has_shared) put_expert({name, name + "shared.0.", parts}, division.common, shared_down, 1);
    if (plan_.router_init == "keys") put_router(name + "router.", mean_keys(key, division, map));
    if (plan_.router_init == "domains") put_router(name + "router.", plan_.router_EH.at(layer));
  }

  struct Places {
    std::string dense, expert;
    const PartNames& parts;
  };

  void put_expert(const Places& places, const std::vector<int64_t>& neurons, const torch::Tensor& down,
                  double part_of_bias) {
    const auto index = index_of(neurons);
    for (const auto& rows : {places.parts.gate, places.parts.up, places.parts.up_bias}) {
      if (!rows.empty() && source_.count(places.dense + rows) > 0)
        put(places.expert + rows, source(places.dense + rows).index_select(0, index));
    }
    put(places.expert + places.parts.down, down.index_select(1, index));
    const std::string& bias = places.parts.down_bias;
    if (!bias.empty() && source_.count(places.dense + bias) > 0)
      put(places.expert + bias, source(places.dense + bias) * part_of_bias);
  }

  static torch::Tensor mean_keys(const torch::Tensor& key_FH, const Division& division, const NeuronMap& map) {
    if (map.are_copies())
      throw Error("convert.build",
                  "router_init: expected \"random\" for copies, which have the same keys, got \"keys\"");
    std::vector<torch::Tensor> rows;
    for (const auto& own : division.own_E) rows.push_back(key_FH.index_select(0, index_of(own)).mean(0));
    return torch::stack(rows);
  }

  void put_router(const std::string& router, const torch::Tensor& row_EH) {
    for (const char* name : {"gate.weight", "direction"}) {
      if (target_.find(router + name) == target_.end()) continue;
      put(router + name, row_EH);
      ++num_made_;
      return;
    }
    throw Error("convert.build",
                fmt::format("router_init: expected a router with a linear gate or directions for \"{}\", got another",
                            plan_.router_init));
  }

  // In at least single precision: a file may hold less where that loses nothing.
  torch::Tensor source(const std::string& name) {
    const auto found = source_.find(name);
    if (found == source_.end())
      throw Error("convert.build", fmt::format("{}: expected in the dense network, not found", name));
    used_.insert(name);
    return found->second.to(torch::promote_types(found->second.scalar_type(), torch::kFloat32));
  }

  void put(const std::string& name, const torch::Tensor& value) {
    const auto found = target_.find(name);
    if (found == target_.end() || found->second.sizes() != value.sizes()) {
      throw Error("convert.build", fmt::format("{}: expected a tensor of {} values in the new network, found {}", name,
                                               value.numel(), found == target_.end() ? "none" : "another shape"));
    }
    const torch::NoGradGuard no_grad;
    found->second.copy_(value);
    done_.insert(name);
  }

  const ConversionPlan& plan_;
  std::map<std::string, torch::Tensor> source_, target_;
  std::set<std::string> used_, done_;
  int64_t num_made_ = 0;
  CopyCoverage coverage_;
};

bool has_experts(const Table& model) {
  const Value* moe = model.find("moe");
  const Value* layers = moe && moe->if_table() ? moe->if_table()->find("layers") : nullptr;
  return layers && layers->if_array() && !layers->if_array()->empty();
}

}  // namespace

Table converted_settings(const Table& model, const ConversionPlan& plan) {
  const Value* found = model.find("dense");
  const Table dense = found && found->if_table() ? *found->if_table() : Table{{"kind", "swiglu"}};
  if (plan.maps.empty()) throw Error("convert.build", "expected layers to convert, got none");
  if (has_experts(model))
    throw Error("convert.build",
                "expected a network without Mixture-of-Experts layers, got one with some; name all "
                "layers in one conversion of the dense model");
  Array layers;
  Table single;
  for (const auto& [layer, map] : plan.maps) {
    layers.emplace_back(layer);
    single.set(std::to_string(layer), layer_settings(dense, layer, map));
  }
  Table moe = layer_settings(dense, plan.maps.begin()->first, plan.maps.begin()->second);
  moe.set("layers", std::move(layers));
  moe.set("router", plan.router);
  if (!plan.balancers.empty()) moe.set("balancers", plan.balancers);
  moe.set("layer", std::move(single));
  Table converted = model;
  converted.set("moe", std::move(moe));
  const Value* all = model.find("layers");
  const bool is_whole = all && all->if_integer() && *all->if_integer() == static_cast<int64_t>(plan.maps.size());
  if (is_whole) converted.erase("dense");
  return converted;
}

CopyCoverage copy_converted(const NamedTensors& source, Network& target, const ConversionPlan& plan) {
  const torch::NoGradGuard no_grad;
  return Copier(source, target, plan).copy();
}

torch::Tensor answers_of(Network& network, Batch batch, int64_t num_experts) {
  // Gradients are recorded and forgotten: without them the network would keep a packed copy of its weights, which takes
  // as much memory again.
  const torch::AutoGradMode recorded(true);
  if (num_experts > 0) batch.route_override.k = num_experts;
  return network.forward(batch, nullptr).logit_BY.detach();
}

}  // namespace heterodyne
