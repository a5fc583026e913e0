#include "heterodyne/model/foreign/peft.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/safetensors.h"

namespace heterodyne {
namespace {

constexpr std::string_view kPrefix = "base_model.model.model.layers.";

struct ProjectionName {
  const char *ours, *theirs;
};
// Behind the number of the layer.
constexpr ProjectionName kAttention[] = {
    {"query", "q_proj"}, {"key", "k_proj"}, {"value", "v_proj"}, {"output", "o_proj"}};
constexpr ProjectionName kFeedForward[] = {{"w1", "gate_proj"}, {"w2", "down_proj"}, {"w3", "up_proj"}};

std::string adapter_file(const std::string& folder, const char* name) {
  return (std::filesystem::path(folder) / name).string();
}

// "0.self_attn.q_proj" to "blocks.0.attention.query"; empty for others. And back.
std::string our_projection(const std::string& theirs) {
  const auto parts = split(theirs, '.');
  if (parts.size() != 3) return "";
  for (const auto& name : kAttention) {
    if (parts[1] == "self_attn" && parts[2] == name.theirs) return "blocks." + parts[0] + ".attention." + name.ours;
  }
  for (const auto& name : kFeedForward) {
    if (parts[1] == "mlp" && parts[2] == name.theirs) return "layers." + parts[0] + "." + name.ours;
  }
  return "";
}

std::string their_projection(const std::string& ours) {
  const auto parts = split(ours, '.');
  for (const auto& name : kAttention) {
    if (parts.size() == 4 && parts[0] == "blocks" && parts[3] == name.ours)
      return parts[1] + ".self_attn." + name.theirs;
  }
  for (const auto& name : kFeedForward) {
    if (parts.size() == 3 && parts[0] == "layers" && parts[2] == name.ours) return parts[1] + ".mlp." + name.theirs;
  }
  return "";
}

// The name of a correction of ours, or empty.
std::string our_name(const std::string& theirs) {
  if (!theirs.starts_with(kPrefix)) return "";
  for (const auto& [their_end, our_end] : {std::pair(".lora_A.weight", ".lora_a"), {".lora_B.weight", ".lora_b"}}) {
    if (!theirs.ends_with(their_end)) continue;
    const size_t length = theirs.size() - kPrefix.size() - std::string_view(their_end).size();
    const std::string projection = our_projection(theirs.substr(kPrefix.size(), length));
    return projection.empty() ? "" : projection + our_end;
  }
  return "";
}

std::string without_end(const std::string& name) { return name.substr(0, name.rfind('.')); }

// Keys that must be absent, null, false or empty, as they ask for what is not there; a bias must be "none".
void refuse_what_is_not_known(const Table& config, const std::string& where) {
  for (const char* key : {"use_dora", "lora_bias", "fan_in_fan_out", "rank_pattern", "alpha_pattern",
                          "layers_to_transform", "modules_to_save", "layer_replication", "target_parameters",
                          "use_qalora", "use_bdlora", "alora_invocation_tokens"}) {
    const Value* value = config.find(key);
    const bool is_off = !value || value->is_null() || *value == Value(false) ||
                        (value->if_table() && value->if_table()->empty()) ||
                        (value->if_array() && value->if_array()->empty());
    if (!is_off)
      throw FormatError::in_file(where, fmt::format("{}: expected none, got {}", key, io::write_json(*value)));
  }
  const Value* bias = config.find("bias");
  if (bias && !(*bias == Value("none")))
    throw FormatError::in_file(where, "bias: expected \"none\", got " + io::write_json(*bias));
  const std::string& type = io::text_at(config, "peft_type", where);
  if (type != "LORA") throw FormatError::in_file(where, "peft_type: expected \"LORA\", got \"" + type + "\"");
}

}  // namespace

Table settings_of(const LoraSection& lora) {
  if (lora.rank == 0) return {};
  return {{"rank", lora.rank},
          {"alpha", lora.alpha},
          {"targets", Array(lora.targets.begin(), lora.targets.end())},
          {"trains", Array(lora.trains.begin(), lora.trains.end())}};
}

PeftAdapter read_peft(const std::string& folder) {
  const std::string where = adapter_file(folder, "adapter_config.json");
  const Table config = io::parse_json_table(io::read_file(where), where);
  refuse_what_is_not_known(config, where);
  PeftAdapter adapter;
  LoraSection& lora = adapter.lora;
  lora.rank = io::integer_at(config, "r", where);
  if (lora.rank < 1) throw FormatError::in_file(where, fmt::format("r: expected at least 1, got {}", lora.rank));
  lora.alpha = io::real_at(config, "lora_alpha", where);
  const Value* is_stable = config.find("use_rslora");  // alpha / sqrt(r) instead of alpha / r
  if (is_stable && *is_stable == Value(true)) lora.alpha *= std::sqrt(static_cast<double>(lora.rank));

  const std::string path = adapter_file(folder, "adapter_model.safetensors");
  const io::SafetensorsFile file(path);
  std::set<std::string> targets;
  for (const auto& name : file.names()) {
    const std::string ours = our_name(name);
    if (ours.empty())
      throw FormatError::in_file(path, name + ": expected a correction of a projection of a LLaMA, got something else");
    adapter.tensors.emplace_back(ours, file.tensor(name).to(torch::kFloat32));
    targets.insert(without_end(ours));
  }
  if (targets.empty()) throw FormatError::in_file(path, "expected corrections, got none");
  lora.targets.assign(targets.begin(), targets.end());
  return adapter;
}

void fill_lora(Network& network, const PeftAdapter& adapter) {
  const torch::NoGradGuard no_grad;
  auto parameters = network.named_parameters();
  std::set<std::string> filled;
  for (const auto& [name, tensor] : adapter.tensors) {
    auto* parameter = parameters.find(name);
    if (!parameter)
      throw CheckError("import", name + ": expected a correction of the model, the base has no such projection");
    if (parameter->sizes() != tensor.sizes())
      throw CheckError("import",
                       fmt::format("{}: expected {}, got {}", name, shape_text(*parameter), shape_text(tensor)));
    parameter->copy_(tensor);
    filled.insert(name);
  }
  for (const auto& parameter : parameters) {
    if (is_lora_name(parameter.key()) && !filled.contains(parameter.key()))
      throw CheckError("import", parameter.key() + ": expected a tensor of the adapter, got none");
  }
}

void write_peft(const std::string& folder, const Network& network, const LoraSection& lora, const std::string& base) {
  if (lora.rank == 0) throw CheckError("export", "expected a model with corrections (model.lora), got one without");
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  std::set<std::string> modules;
  for (const auto& parameter : network.named_parameters()) {
    if (!is_lora_name(parameter.key())) {
      if (parameter.value().requires_grad())
        throw CheckError("export", parameter.key() +
                                       " learns too and has no place in an adapter; heterodyne convert "
                                       "merge-lora makes a whole model");
      continue;
    }
    const std::string theirs = their_projection(without_end(parameter.key()));
    const char* end = parameter.key().ends_with("a") ? ".lora_A.weight" : ".lora_B.weight";
    tensors.emplace_back(std::string(kPrefix) + theirs + end, parameter.value().detach().contiguous());
    modules.insert(theirs.substr(theirs.rfind('.') + 1));
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw DeviceError(fmt::format("{}: cannot be made: {}", folder, error.message()));
  const Table config{{"peft_type", "LORA"},
                     {"task_type", "CAUSAL_LM"},
                     {"base_model_name_or_path", base},
                     {"r", lora.rank},
                     {"lora_alpha", lora.alpha},
                     {"lora_dropout", 0.0},
                     {"target_modules", Array(modules.begin(), modules.end())},
                     {"bias", "none"},
                     {"use_rslora", false},
                     {"use_dora", false},
                     {"fan_in_fan_out", false},
                     {"modules_to_save", Value()},
                     {"inference_mode", true}};
  io::write_file(adapter_file(folder, "adapter_config.json"), io::write_json(config, 2) + "\n");
  io::write_safetensors(adapter_file(folder, "adapter_model.safetensors"), tensors, {{"format", "pt"}});
}

}  // namespace heterodyne
