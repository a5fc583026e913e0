#include "heterodyne/model/load.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/resize.h"
#include "heterodyne/model/compact.h"

namespace heterodyne {
namespace {

struct Mismatch {
  int64_t num_missing = 0, num_unknown = 0, num_misshapen = 0;
  std::string first;

  void note(int64_t& counter, const std::string& what) {
    ++counter;
    if (first.empty()) first = what;
  }
};

// The network's own tensors; where weights are compact, what stands for their shapes.
std::vector<std::pair<std::string, torch::Tensor>> places_of(const Network& network) {
  std::vector<std::pair<std::string, torch::Tensor>> places;
  for (const auto& parameter : network.named_parameters())
    places.emplace_back(parameter.key(), parameter.value().detach());
  for (const auto& buffer : network.named_buffers()) places.emplace_back(buffer.key(), buffer.value());
  return places;
}

std::map<std::string, nn::Weight*> compact_weights_of(const Network& network) {
  std::map<std::string, nn::Weight*> compact;
  for (const auto& [name, weight] : weights_of(network)) {
    if (weight->compact_matrix()) compact[name] = weight;
  }
  return compact;
}

}  // namespace

std::vector<std::pair<std::string, torch::Tensor>> state_of(const Network& network) {
  auto state = places_of(network);
  const auto compact = compact_weights_of(network);
  for (auto& [name, tensor] : state) {
    const auto found = compact.find(name);
    if (found != compact.end()) tensor = ops::rounded_values(*found->second->compact_matrix());
  }
  return state;
}

Table topology_of(Network& network) {
  Table table;
  for (const MoeLayer* layer : network.moe_layers()) table.set(layer->layer_name(), topology(*layer));
  return table;
}

void load_network(Network& network, const Table& table, const io::SafetensorsFile& file, const std::string& path) {
  for (MoeLayer* layer : network.moe_layers()) {
    const Value* experts = table.find(layer->layer_name());
    if (experts == nullptr || !experts->if_table()) {
      throw FormatError::in_file(path, layer->layer_name() + ": the state beside it names no experts for this layer");
    }
    set_topology(*layer, *experts->if_table(), path);
  }
  const auto state = places_of(network);
  Mismatch mismatch;
  std::set<std::string> known;
  for (const auto& [name, tensor] : state) {
    known.insert(name);
    if (!file.contains(name)) {
      mismatch.note(mismatch.num_missing, name);
    } else if (file.info(name).sizes != tensor.sizes()) {
      mismatch.note(mismatch.num_misshapen,
                    fmt::format("{}: expected {}, got {}", name, shape_text(tensor), shape_text(file.tensor(name))));
    }
  }
  for (const auto& name : file.names()) {
    if (!known.contains(name)) mismatch.note(mismatch.num_unknown, name);
  }
  if (!mismatch.first.empty()) {
    throw FormatError::in_file(
        path,
        fmt::format(
            "{} of {} tensors missing, {} unknown, {} of another shape (first: {}); it belongs to another network",
            mismatch.num_missing, state.size(), mismatch.num_unknown, mismatch.num_misshapen, mismatch.first));
  }
  const torch::NoGradGuard no_grad;
  const auto compact = compact_weights_of(network);
  for (const auto& [name, tensor] : state) {
    const auto found = compact.find(name);
    if (found == compact.end()) tensor.copy_(file.tensor(name));
    else found->second->assign(file.tensor(name));
  }
}

}  // namespace heterodyne
