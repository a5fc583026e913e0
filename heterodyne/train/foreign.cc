#include "heterodyne/train/foreign.h"

#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/model_template.h"
#include "heterodyne/data/tokenizer_file.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/folder.h"
#include "heterodyne/io/json.h"
#include "heterodyne/nn/undrawn.h"
#include "heterodyne/train/transfer/remade.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "config.json";
constexpr const char* kTensors = "model.safetensors";

std::string in_folder(const std::string& folder, const std::string& name) { return (fs::path(folder) / name).string(); }

// The tokenizer's file in the folder, or nothing.
std::string tokenizer_in(const std::string& folder) {
  for (const char* name : {"tokenizer.json", "tokenizer.model", "encoder.json"}) {
    if (fs::exists(in_folder(folder, name))) return in_folder(folder, name);
  }
  return "";
}

// Symbols of a model of text; ids that the tokenizer does not use are empty.
Vocabulary vocabulary_for(const std::string& tokenizer, int64_t count) {
  Vocabulary words;
  if (tokenizer.empty()) {
    for (int64_t id = 0; id < count; ++id) words.push_back(std::to_string(id));
    return words;
  }
  words = read_tokenizer_file(tokenizer);
  if (static_cast<int64_t>(words.size()) > count)
    throw FormatError::in_file(tokenizer,
                               fmt::format("expected at most the model's {} symbols, got {}", with_commas(count),
                                           with_commas(static_cast<int64_t>(words.size()))));
  words.resize(static_cast<size_t>(count));
  return words;
}

// The section `data` that the model would be trained with.
Table data_for(const Blueprint& blueprint, const std::string& tokenizer) {
  if (!blueprint.data.is_text())
    return {{"kind", "synthetic"},
            {"size", blueprint.data.height},
            {"channels", blueprint.data.channels},
            {"classes", std::max<int64_t>(2, blueprint.data.num_classes)}};
  Table chosen{{"kind", "word"}};
  if (!tokenizer.empty()) chosen = {{"kind", "file"}, {"path", tokenizer}};
  return {{"kind", "text_lm"}, {"path", "text.txt"}, {"length", blueprint.data.length}, {"tokenizer", chosen}};
}

torch::Tensor shown(const io::SafetensorsFile& file, const std::string& path, const std::string& name) {
  if (!file.contains(name)) throw FormatError::in_file(path, "expected a tensor \"" + name + "\", got none");
  return file.tensor(name);
}

// The experiment of a network that was made elsewhere.
Experiment experiment_for(const Blueprint& blueprint, const std::string& tokenizer, const std::string& name) {
  auto experiment =
      read_experiment({{"name", name}, {"data", data_for(blueprint, tokenizer)}, {"model", blueprint.model}});
  if (!blueprint.data.is_text()) return experiment;
  experiment.vocabulary = vocabulary_for(tokenizer, blueprint.data.vocabulary);
  if (!tokenizer.empty())
    experiment.tokenizer_config = read_tokenizer_config(fs::path(tokenizer).parent_path().string());
  return experiment;
}

ImportedModel made_from(const Table& config, const std::string& source, const std::string& tokenizer,
                        const std::string& name) {
  const Blueprint blueprint = read_blueprint(config, in_folder(source, kConfig));
  const io::TensorFiles files(source);
  ImportedModel model{importer_of(config), experiment_for(blueprint, tokenizer, name), nullptr, {}};
  {
    const nn::Undrawn undrawn;  // what the files leave open is an error
    model.network = make_network(model.experiment);
  }
  model.network->eval();
  model.coverage = fill_network(*model.network, blueprint, files);
  return model;
}

// As many files as are needed, and an index when it is more than one.
void write_tensors(const NamedTensors& tensors, int64_t most_bytes, const std::string& folder) {
  std::vector<NamedTensors> shards(1);
  int64_t bytes = 0, total = 0;
  for (const auto& [name, tensor] : tensors) {
    const auto size = static_cast<int64_t>(tensor.nbytes());
    if (bytes > 0 && bytes + size > most_bytes) shards.emplace_back(), bytes = 0;
    shards.back().emplace_back(name, tensor);
    bytes += size, total += size;
  }
  const Table metadata{{"format", "pt"}};
  if (shards.size() == 1) return io::write_safetensors(in_folder(folder, kTensors), shards.front(), metadata);
  Table places;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string file = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    io::write_safetensors(in_folder(folder, file), shards[i], metadata);
    for (const auto& [name, tensor] : shards[i]) places.set(name, file);
  }
  const Table index{{"metadata", Table{{"total_size", total}}}, {"weight_map", places}};
  io::write_file(in_folder(folder, "model.safetensors.index.json"), io::write_json(index, 2) + "\n");
}

constexpr double kParity = 1e-4;

// Writes the model in one form into `folder` and reads it back.
Coverage export_as(const std::string& kind, TrainedModel& model, const ExportOptions& options,
                   const std::string& folder) {
  const Experiment& experiment = model.experiment;
  DataShape data = network_shape(experiment);
  const Table config = importers().find(kind).write(*experiment.resolved.find("model")->if_table(), data);
  const Blueprint blueprint = importers().find(kind).read(config, kConfig);
  Coverage coverage;
  const auto tensors = foreign_tensors(*model.network, blueprint, options.dtype, coverage);
  fs::create_directories(folder);
  Table written = config;
  written.set("torch_dtype", options.dtype == torch::kFloat32 ? "float32"
                             : options.dtype == torch::kHalf  ? "float16"
                                                              : "bfloat16");
  io::write_file(in_folder(folder, kConfig), io::write_json(written, 2) + "\n");
  write_tensors(tensors, options.shard_bytes, folder);
  const std::string& definition = experiment.vocabulary.definition;
  if (!definition.empty()) io::write_file(in_folder(folder, tokenizer_file_name(definition)), definition);
  if (!experiment.tokenizer_config.empty())
    io::write_file(in_folder(folder, "tokenizer_config.json"), experiment.tokenizer_config);
  const auto copy = made_from(written, folder, tokenizer_in(folder), "copy");
  if (options.dtype != torch::kFloat32) {
    model.network->to(options.dtype);  // what was rounded is compared with what was rounded
    model.network->to(experiment.dtype());
  }
  const double error = disparity(*model.network, *copy.network, data);
  if (!(error <= kParity))
    throw CheckError("export", fmt::format("as {} it answers otherwise than before: largest |logit error| {:.2g}, "
                                           "expected at most {}; nothing written",
                                           kind, error, kParity));
  return coverage;
}

}  // namespace

ImportedModel import_model(const std::string& source, const std::string& name, const std::string& config) {
  const std::string path = config.empty() ? in_folder(source, kConfig) : config;
  return made_from(io::parse_json_table(io::read_file(path), path), source, tokenizer_in(source), name);
}

void save_imported(const std::string& folder, const ImportedModel& model) {
  save_model(folder, model.experiment, *model.network);
}

LogitError compare_logits(Network& network, const std::string& file) {
  const torch::NoGradGuard no_grad;
  const io::SafetensorsFile expected(file);
  auto inputs = shown(expected, file, expected.contains("pixel_values") ? "pixel_values" : "input_ids");
  const bool has_states = expected.contains("last_hidden_state") && !expected.contains("logits");
  const auto logits = shown(expected, file, has_states ? "last_hidden_state" : "logits").to(torch::kFloat64);
  const bool has_mask = expected.contains("attention_mask");
  const auto mask = has_mask ? expected.tensor("attention_mask").to(torch::kBool) : torch::Tensor();
  if (has_mask && mask.sizes() != inputs.sizes())
    throw FormatError::in_file(file, "attention_mask: expected the shape of input_ids");
  if (inputs.dim() == 0) throw FormatError::in_file(file, "inputs: expected a row for each example, got a number");
  if (expected.contains("token_type_ids")) {
    const auto types = expected.tensor("token_type_ids");
    if (types.sizes() != inputs.sizes())
      throw FormatError::in_file(file, "token_type_ids: expected the shape of input_ids");
    inputs = at::stack({inputs, types}, -1);
  }
  if (logits.dim() < 2 || logits.size(0) != inputs.size(0))
    throw FormatError::in_file(file, fmt::format("logits: expected a row for each of the {} of inputs, got {}",
                                                 inputs.size(0), shape_text(logits)));
  LogitError error;
  for (int64_t row = 0; row < inputs.size(0); ++row) {
    Batch batch;
    batch.inputs = inputs.narrow(0, row, 1);
    if (has_mask) batch.mask_BS = mask.narrow(0, row, 1);
    const auto answer = network.forward(batch, nullptr).logit_BY.to(torch::kFloat64);
    const auto wanted = logits.narrow(0, row, 1);
    if (answer.sizes() != wanted.sizes())
      throw FormatError::in_file(
          file, fmt::format("logits: expected {} for each row, got {}", shape_text(answer), shape_text(wanted)));
    auto difference = (answer - wanted).abs().amax(-1).nan_to_num(INFINITY, INFINITY, INFINITY);
    if (has_mask && difference.dim() == 2) difference = difference.masked_select(batch.mask_BS);
    if (difference.numel() > 0) error.largest = std::max(error.largest, difference.max().item<double>());
    error.num_tokens += difference.numel();
  }
  if (error.num_tokens == 0) throw FormatError::in_file(file, "expected answers to compare with, got none");
  return error;
}

Coverage export_model(TrainedModel& model, const ExportOptions& options, const std::string& path, std::string* kind) {
  const std::string folder = io::without_slashes(path);
  const std::string network = model.experiment.options.model.kind;
  std::vector<std::string> refusals;
  for (const auto& name : options.importer.empty() ? importers().names() : std::vector<std::string>{options.importer}) {
    const auto& importer = importers().find(name);
    if (importer.network != network || !importer.write) continue;
    const std::string temporary = folder + ".tmp";
    std::error_code ignored;
    if (fs::exists(temporary))
      throw ConfigError("export: " + temporary + ": exists already, where the model is written at first; remove it");
    try {
      const Coverage coverage = export_as(name, model, options, temporary);
      fs::rename(temporary, folder);
      if (kind) *kind = name;
      return coverage;
    } catch (const CheckError& error) {
      refusals.push_back(name + ": " + error.what());
    } catch (const FormatError& error) {
      refusals.push_back(name + ": " + error.what());
    } catch (...) {
      fs::remove_all(temporary, ignored);
      throw;
    }
    fs::remove_all(temporary, ignored);
  }
  if (refusals.empty())
    throw CheckError("export", fmt::format("expected a form for the network \"{}\"{}, there is none", network,
                                           options.importer.empty() ? "" : " named \"" + options.importer + "\""));
  throw CheckError("export", "the model fits no form that is known. " + join(refusals, "; "));
}

}  // namespace heterodyne
