#include "heterodyne/model/foreign/transfer.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"
#include "heterodyne/model/load.h"

namespace heterodyne {
namespace {

using Tensors = TensorMap::Tensors;

// The network's tensors under the names of a blueprint, in which experts go by position instead of id.
std::map<std::string, torch::Tensor> tensors_by_position(Network& network) {
  std::map<std::string, std::string> renamed;  // "layers.0.experts.7." -> "layers.0.experts.3."
  for (const MoeLayer* layer : network.moe_layers()) {
    const auto ids = layer->ids();
    for (size_t position = 0; position < ids.size(); ++position)
      renamed.emplace(fmt::format("{}.experts.{}.", layer->layer_name(), ids[position]),
                      fmt::format("{}.experts.{}.", layer->layer_name(), position));
  }
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : state_of(network)) {
    std::string position_name = name;
    for (const auto& [from, to] : renamed) {
      if (name.starts_with(from)) position_name = to + name.substr(from.size());
    }
    tensors.emplace(position_name, tensor);
  }
  return tensors;
}

// The first complaints, and how many there are of each kind.
struct Faults {
  int64_t missing = 0, unused = 0, misshapen = 0, unfilled = 0;
  std::string first;

  void note(int64_t& counter, const std::string& what) {
    ++counter;
    if (first.empty()) first = what;
  }
};

bool equal_values(const torch::Tensor& a, const torch::Tensor& b) {
  return torch::equal(a, b) || (a.is_floating_point() && a.sizes() == b.sizes() && at::allclose(a, b, 0, 0, true));
}

Tensors read_theirs(const TensorMap& map, const io::TensorFiles& files) {
  Tensors theirs;
  for (const auto& name : map.theirs) theirs.push_back(files.tensor(name));
  return theirs;
}

// One map's values, widened to the type that the network holds them in.
Tensors converted(const TensorMap& map, const Tensors& theirs, torch::Dtype dtype) {
  Tensors wide;
  for (const auto& tensor : theirs) wide.push_back(tensor.is_floating_point() ? tensor.to(dtype) : tensor);
  return map.to_ours ? map.to_ours(wide) : wide;
}

void fill(const TensorMap& map, const io::TensorFiles& files, std::map<std::string, torch::Tensor>& ours,
          Faults& faults) {
  const torch::Dtype dtype = ours.at(map.ours.front()).scalar_type();
  const Tensors theirs = read_theirs(map, files);
  Tensors values;
  try {
    values = converted(map, theirs, dtype);
  } catch (const c10::Error&) {  // too few dimensions, for instance
    values.clear();
  }
  if (values.size() != map.ours.size())
    return faults.note(faults.misshapen, fmt::format("{}: expected values for {}, got {}", join(map.theirs),
                                                     join(map.ours), shape_text(theirs.front())));
  for (size_t i = 0; i < map.ours.size(); ++i) {
    auto& place = ours.at(map.ours[i]);
    if (values[i].sizes() != place.sizes()) {
      faults.note(faults.misshapen,
                  fmt::format("{}: expected {}, got {}", join(map.theirs), shape_text(place), shape_text(values[i])));
      return;  // one source, one complaint
    }
    place.copy_(values[i]);
    if (!equal_values(place, values[i].to(place.scalar_type())))
      faults.note(faults.unfilled, map.ours[i] + ": its values are not those of " + join(map.theirs));
  }
}

// As the files call it.
std::string stored_name(const std::string& name, const Blueprint& blueprint, const io::TensorFiles& files) {
  if (files.contains(name)) return name;
  for (const auto& [ending, older] : blueprint.older_endings) {
    if (!name.ends_with(ending)) continue;
    const std::string other = name.substr(0, name.size() - ending.size()) + older;
    if (files.contains(other)) return other;
  }
  return name;
}

}  // namespace

std::string Coverage::sentence() const {
  std::string left_out;
  if (!ignored.empty())
    left_out = fmt::format(", {} ignored by name ({}{})", ignored.size(), ignored.front(),
                           ignored.size() > 1 ? " and others like it" : "");
  return fmt::format(
      "{} of {} source tensors used{}; {} of {} target tensors from the source, {} left at their initial value; {} "
      "values compared",
      num_used, num_source, left_out, num_filled, num_target, num_target - num_filled, with_commas(num_values));
}

Coverage fill_network(Network& network, const Blueprint& blueprint, const io::TensorFiles& files) {
  const torch::NoGradGuard no_grad;
  auto ours = tensors_by_position(network);
  Faults faults;
  std::set<std::string> used, filled;
  for (TensorMap map : blueprint.tensors) {
    bool is_whole = true;
    for (auto& name : map.theirs) name = stored_name(name, blueprint, files);
    for (const auto& name : map.ours) {
      if (!ours.contains(name)) faults.note(faults.misshapen, "the network has no " + name), is_whole = false;
    }
    for (const auto& name : map.theirs) {
      used.insert(name);
      if (!files.contains(name)) faults.note(faults.missing, name + " is missing"), is_whole = false;
    }
    if (!is_whole) continue;
    filled.insert(map.ours.begin(), map.ours.end());
    fill(map, files, ours, faults);
  }
  Coverage coverage;
  const auto names = files.names();
  const std::set<std::string> ignored(blueprint.ignored.begin(), blueprint.ignored.end());
  for (const auto& name : names) {
    if (used.contains(name)) ++coverage.num_used;
    else if (ignored.contains(name)) coverage.ignored.push_back(name);
    else faults.note(faults.unused, name + " has no place in the network");
  }
  for (const auto& [name, tensor] : ours) {
    coverage.num_values += tensor.numel();
    if (!filled.contains(name)) faults.note(faults.unfilled, name + " is left at its initial value");
  }
  coverage.num_source = static_cast<int64_t>(names.size());
  coverage.num_target = static_cast<int64_t>(ours.size());
  coverage.num_filled = static_cast<int64_t>(filled.size());
  if (faults.first.empty()) return coverage;
  throw CheckError("import",
                   fmt::format("{}: of {} source tensors {} missing, {} unused, {} of another shape; {} of {} target "
                               "tensors at their initial value (first: {}); nothing written",
                               files.path(), coverage.num_source, faults.missing, faults.unused, faults.misshapen,
                               coverage.num_target - coverage.num_filled, coverage.num_target, faults.first));
}

NamedTensors foreign_tensors(Network& network, const Blueprint& blueprint, torch::Dtype dtype, Coverage& coverage) {
  const torch::NoGradGuard no_grad;
  auto ours = tensors_by_position(network);
  NamedTensors all;
  std::set<std::string> used;
  for (const TensorMap& map : blueprint.tensors) {
    Tensors values;
    for (const auto& name : map.ours) {
      const auto found = ours.find(name);
      if (found == ours.end())
        throw CheckError("export",
                         fmt::format("the format expects {}, which the model has not; nothing written", name));
      used.insert(name);
      values.push_back(found->second);
    }
    const Tensors theirs = map.to_theirs ? map.to_theirs(values) : values;
    for (size_t i = 0; i < theirs.size(); ++i) {
      const bool is_real = theirs[i].is_floating_point();
      all.emplace_back(map.theirs.at(i), is_real ? theirs[i].to(dtype).contiguous() : theirs[i].contiguous());
    }
  }
  for (const auto& [name, tensor] : ours) {
    coverage.num_values += tensor.numel();
    if (!used.contains(name))
      throw CheckError("export", fmt::format("the format has no place for {}; nothing written", name));
  }
  coverage.num_source = coverage.num_used = static_cast<int64_t>(used.size());
  coverage.num_target = coverage.num_filled = static_cast<int64_t>(all.size());
  return all;
}

}  // namespace heterodyne
