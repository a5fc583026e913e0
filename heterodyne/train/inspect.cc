#include "heterodyne/train/inspect.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/safetensors.h"
#include "heterodyne/train/run_folder.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

int64_t num_values(const io::TensorInfo& info) {
  return std::accumulate(info.sizes.begin(), info.sizes.end(), int64_t{1}, std::multiplies<>());
}

WeightFile weights_of(const std::string& path) {
  const io::SafetensorsFile file(path);
  WeightFile weights{path, 0, 0, {}};
  for (const auto& name : file.names()) {
    weights.tensors.emplace_back(name, file.info(name));
    weights.num_values += num_values(weights.tensors.back().second);
  }
  weights.num_bytes = fs::file_size(path);
  return weights;
}

int64_t values_under(const WeightFile& weights, const std::string& prefix) {
  int64_t sum = 0;
  for (const auto& [name, info] : weights.tensors) sum += name.starts_with(prefix) ? num_values(info) : 0;
  return sum;
}

std::vector<ExpertInfoLine> experts_of(const Table& topologies, const WeightFile& weights, const std::string& file) {
  std::vector<ExpertInfoLine> experts;
  for (const auto& layer : topologies.keys()) {
    for (const Value& value : io::array_at(io::table_at(topologies, layer, file), "experts", file)) {
      const Table* expert = value.if_table();
      if (expert == nullptr) throw FormatError::in_file(file, layer + ".experts: expected tables");
      const int64_t id = io::integer_at(*expert, "id", file);
      experts.push_back({layer, id, io::text_at(*expert, "kind", file),
                         values_under(weights, layer + ".experts." + std::to_string(id) + ".")});
    }
  }
  return experts;
}

CheckpointSummary summary_of(const std::string& folder, const WeightFile& weights) {
  const auto checkpoint = peek_checkpoint(folder);
  const Value* kind = checkpoint.config.find_path("model.kind");
  return {folder, checkpoint.state.step, kind && kind->if_text() ? *kind->if_text() : "",
          experts_of(checkpoint.experts, weights, folder + "/state.json")};
}

RunSteps run_of(const std::string& folder) {
  RunSteps run{"", CheckpointFolder(folder + "/checkpoints").steps()};
  const std::string state = folder + "/state";
  if (fs::exists(state)) {
    const std::string text = io::read_file(state);
    run.state = text.substr(0, text.find_first_of(" \n"));
  }
  return run;
}

}  // namespace

std::string dtype_name(torch::Dtype dtype) {
  switch (dtype) {
    case torch::kFloat64:
      return "float64";
    case torch::kFloat32:
      return "float32";
    case torch::kFloat16:
      return "float16";
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kInt64:
      return "int64";
    case torch::kInt32:
      return "int32";
    case torch::kInt16:
      return "int16";
    case torch::kInt8:
      return "int8";
    case torch::kUInt8:
      return "uint8";
    case torch::kBool:
      return "bool";
    default:
      return torch::toString(dtype);
  }
}

std::vector<std::string> WeightFile::dtypes() const {
  std::vector<std::string> names;
  for (const auto& [name, info] : tensors) {
    const std::string dtype = dtype_name(info.dtype);
    if (std::find(names.begin(), names.end(), dtype) == names.end()) names.push_back(dtype);
  }
  return names;
}

Inspection inspect(const std::string& path) {
  if (!fs::exists(path)) throw FormatError::in_file(path, "no such file or folder");
  if (!fs::is_directory(path)) return {weights_of(path), {}, {}};
  const std::string folder = find_checkpoint(path, {});
  const WeightFile weights = weights_of(folder + "/model.safetensors");
  Inspection inspection{weights, summary_of(folder, weights), {}};
  if (folder != path) inspection.run = run_of(path);
  return inspection;
}

}  // namespace heterodyne
