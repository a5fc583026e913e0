#include "heterodyne/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/tokenizer_file.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/folder.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/safetensors.h"
#include "heterodyne/io/sha256.h"
#include "heterodyne/model/load.h"
#include "heterodyne/train/growth/averages.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr std::array kFiles = {"model.safetensors", "optimizer.safetensors", "state.json"};
// Only where there is something to keep: what a network carries into the next batch, what a grower remembers, averages,
// the definition of a tokenizer that symbols alone do not make, by its form, and the chat template.
constexpr const char *kCarry = "carry.safetensors", *kGrowth = "growth.safetensors",
                     *kAverages = "averages.safetensors", *kTokenizerJson = "tokenizer.json",
                     *kTokenizerModel = "tokenizer.model", *kTokenizerConfig = "tokenizer_config.json";
constexpr std::array kOptionalFiles = {kCarry, kGrowth, kAverages, kTokenizerJson, kTokenizerModel, kTokenizerConfig};
constexpr const char* kPrefix = "step-";
constexpr const char* kTemporary = ".tmp";

std::string in(const std::string& folder, const std::string& name) { return (fs::path(folder) / name).string(); }

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw DeviceError(path + ": cannot be made: " + error.message());
}

Table manifest_of(const std::string& folder) {
  Table files;
  std::vector<std::string> names(kFiles.begin(), kFiles.end());
  for (const char* name : kOptionalFiles) {
    if (fs::exists(in(folder, name))) names.emplace_back(name);
  }
  for (const auto& name : names) {
    const std::string path = in(folder, name);
    files.set(name, Table{{"bytes", static_cast<int64_t>(fs::file_size(path))}, {"sha256", io::sha256_of_file(path)}});
  }
  return {{"format", kCheckpointFormat}, {"files", std::move(files)}};
}

void check_format(const Table& table, const std::string& path) {
  const int64_t format = io::integer_at(table, "format", path);
  if (format > kCheckpointFormat) {
    throw FormatError::in_file(path,
                               fmt::format("format: expected at most {}, got {}; it was written by a newer heterodyne",
                                           kCheckpointFormat, format));
  }
}

Table read_table(const std::string& path) { return io::parse_json_table(io::read_file(path), path); }

std::vector<std::pair<std::string, torch::Tensor>> tensors_of(const std::string& path) {
  const io::SafetensorsFile file(path);
  std::vector<std::pair<std::string, torch::Tensor>> all;
  for (const auto& name : file.names()) all.emplace_back(name, file.tensor(name));
  return all;
}

// The step in "step-00000040", or nothing.
std::optional<int64_t> step_in(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string digits = name.substr(std::string(kPrefix).size());
  const bool is_number = !digits.empty() && digits.size() < 16 &&
                         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? std::optional<int64_t>(std::stoll(digits)) : std::nullopt;
}

void write_carry(const std::string& path, const std::vector<torch::Tensor>& carry) {
  if (carry.empty()) return;
  NamedTensors tensors;
  for (size_t i = 0; i < carry.size(); ++i) tensors.emplace_back(fmt::format("{:04}", i), carry[i]);
  io::write_safetensors(path, tensors);
}

std::vector<torch::Tensor> read_carry(const std::string& path) {
  std::vector<torch::Tensor> carry;
  if (!fs::exists(path)) return carry;
  const io::SafetensorsFile file(path);
  for (size_t i = 0; i < file.names().size(); ++i) carry.push_back(file.tensor(fmt::format("{:04}", i)));
  return carry;
}

void write_definition(const std::string& folder, const std::string& definition) {
  if (!definition.empty()) io::write_file(in(folder, tokenizer_file_name(definition)), definition);
}

void write_sums(const std::string& path, const Sums& sums) {
  if (!sums.empty()) io::write_safetensors(path, NamedTensors(sums.begin(), sums.end()));
}

Sums read_sums(const std::string& path) {
  Sums sums;
  if (!fs::exists(path)) return sums;
  const io::SafetensorsFile file(path);
  for (const auto& name : file.names()) sums[name] = file.tensor(name);
  return sums;
}

// Whether who uses the model is to take the averages.
bool uses_averages(const CheckpointInfo& checkpoint) {
  const Value* validate = checkpoint.config.find_path("train.average.validate");
  return validate && *validate == Value(true) && !checkpoint.state.averages.empty();
}

Vocabulary vocabulary_from(const Table& table, const std::string& path) {
  Vocabulary words;
  if (!table.contains("vocabulary")) return words;
  for (const char* name : {kTokenizerJson, kTokenizerModel}) {
    const std::string file = in(fs::path(path).parent_path().string(), name);
    if (fs::exists(file)) words.definition = io::read_file(file);
  }
  for (const Value& word : io::array_at(table, "vocabulary", path)) {
    if (!word.if_text()) throw FormatError::in_file(path, "vocabulary: expected a list of text");
    words.push_back(*word.if_text());
  }
  return words;
}

}  // namespace

void save_checkpoint(const std::string& path, Network& network, Optimizer& optimizer, const TrainState& state,
                     const Experiment& experiment) {
  const std::string folder = io::without_slashes(path);
  const std::string temporary = folder + kTemporary;
  std::error_code ignored;
  try {
    fs::remove_all(temporary, ignored);
    make_folder(temporary);
    const CaughtUp caught_up(optimizer);
    io::write_safetensors(in(temporary, "model.safetensors"), state_of(network), {}, io::Float32Form::kShortest);
    io::write_safetensors(in(temporary, "optimizer.safetensors"), optimizer.state());
    write_carry(in(temporary, kCarry), state.carry);
    write_sums(in(temporary, kGrowth), state.growth);
    write_sums(in(temporary, kAverages), state.averages);
    Table contents{{"format", kCheckpointFormat},
                   {"config", experiment.resolved},
                   {"experts", topology_of(network)},
                   {"state", to_table(state)}};
    const Vocabulary& words = experiment.vocabulary;
    if (!words.empty()) contents.set("vocabulary", Array(words.begin(), words.end()));
    write_definition(temporary, words.definition);
    if (!experiment.tokenizer_config.empty())
      io::write_file(in(temporary, kTokenizerConfig), experiment.tokenizer_config);
    io::write_file(in(temporary, "state.json"), io::write_json(contents, 1) + "\n");
    io::write_file(in(temporary, "manifest.json"), io::write_json(manifest_of(temporary), 1) + "\n");
    fs::remove_all(folder);
    fs::rename(temporary, folder);
    io::sync_folder(fs::absolute(folder).parent_path().string());
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(temporary, ignored);
    throw DeviceError(folder + ": cannot be written: " + error.code().message());
  } catch (...) {
    fs::remove_all(temporary, ignored);
    throw;
  }
}

void verify_checkpoint(const std::string& folder) {
  const std::string path = in(folder, "manifest.json");
  const Table manifest = read_table(path);
  check_format(manifest, path);
  const Table& files = io::table_at(manifest, "files", path);
  std::vector<std::string> names(kFiles.begin(), kFiles.end());
  for (const char* name : kOptionalFiles) {
    if (files.contains(name)) names.emplace_back(name);
  }
  for (const auto& name : names) {
    const std::string file = in(folder, name);
    const Table& expected = io::table_at(files, name, path);
    std::error_code error;
    const auto bytes = fs::file_size(file, error);
    if (error) throw FormatError::in_file(file, "cannot be read: " + error.message());
    const int64_t expected_bytes = io::integer_at(expected, "bytes", path);
    if (static_cast<int64_t>(bytes) != expected_bytes) {
      throw FormatError::in_file(file,
                                 fmt::format("expected {} bytes as in manifest.json, got {}; the checkpoint is damaged",
                                             with_commas(expected_bytes), with_commas(static_cast<int64_t>(bytes))));
    }
    if (io::sha256_of_file(file) != io::text_at(expected, "sha256", path)) {
      throw FormatError::in_file(file, "its SHA-256 differs from manifest.json; the checkpoint is damaged");
    }
  }
}

CheckpointInfo read_checkpoint(const std::string& folder) {
  verify_checkpoint(folder);
  return peek_checkpoint(folder);
}

CheckpointInfo peek_checkpoint(const std::string& folder) {
  const std::string path = in(folder, "state.json");
  const Table table = read_table(path);
  check_format(table, path);
  CheckpointInfo info{folder, io::table_at(table, "config", path), io::table_at(table, "experts", path),
                      state_from(io::table_at(table, "state", path), path)};
  info.vocabulary = vocabulary_from(table, path);
  const std::string tokenizer_config = in(folder, kTokenizerConfig);
  if (fs::exists(tokenizer_config)) info.tokenizer_config = io::read_file(tokenizer_config);
  info.state.carry = read_carry(in(folder, kCarry));
  info.state.growth = read_sums(in(folder, kGrowth));
  info.state.averages = read_sums(in(folder, kAverages));
  return info;
}

Experiment experiment_of(const CheckpointInfo& checkpoint, const Families& families) {
  auto experiment = read_experiment(checkpoint.config, families);
  experiment.vocabulary = checkpoint.vocabulary;
  experiment.tokenizer_config = checkpoint.tokenizer_config;
  return experiment;
}

void load_checkpoint(const CheckpointInfo& checkpoint, Network& network, Optimizer* optimizer) {
  const std::string path = in(checkpoint.folder, "model.safetensors");
  load_network(network, checkpoint.experts, io::SafetensorsFile(path), path);
  if (optimizer == nullptr) {
    if (uses_averages(checkpoint)) set_weights(network, checkpoint.state.averages, in(checkpoint.folder, kAverages));
    return;
  }
  const std::string optimizer_path = in(checkpoint.folder, "optimizer.safetensors");
  optimizer->load_state(parameters_of(network), tensors_of(optimizer_path), optimizer_path);
}

NamedTensors values_of(const CheckpointInfo& checkpoint) {
  auto values = tensors_of(in(checkpoint.folder, "model.safetensors"));
  if (!uses_averages(checkpoint)) return values;
  for (auto& [name, tensor] : values) {
    const auto found = checkpoint.state.averages.find(name);
    if (found != checkpoint.state.averages.end()) tensor = found->second;
  }
  return values;
}

std::string CheckpointFolder::folder_of(int64_t step) const { return in(path_, fmt::format("{}{:08}", kPrefix, step)); }

std::vector<int64_t> CheckpointFolder::steps() const {
  std::vector<int64_t> all;
  if (!fs::is_directory(path_)) return all;
  for (const auto& name : io::list_folder(path_)) {
    const auto step = step_in(name);
    if (step && fs::exists(in(in(path_, name), "manifest.json"))) all.push_back(*step);
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::optional<int64_t> CheckpointFolder::named(const std::string& name) const {
  const std::string path = in(path_, name);
  if (!fs::exists(path)) return std::nullopt;
  std::string text = io::read_file(path);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const auto step = step_in(kPrefix + text);
  const auto all = steps();
  if (!step || !std::binary_search(all.begin(), all.end(), *step)) return std::nullopt;
  return step;
}

void CheckpointFolder::name(int64_t last, std::optional<int64_t> best) const {
  io::write_file(in(path_, "LAST"), std::to_string(last) + "\n");
  const auto all = steps();
  if (best && std::binary_search(all.begin(), all.end(), *best))
    io::write_file(in(path_, "BEST"), std::to_string(*best) + "\n");
}

void CheckpointFolder::settle(int64_t last, std::optional<int64_t> best, int64_t keep) const {
  name(last, best);
  best = this->best();
  const auto all = steps();
  const auto num_past = std::upper_bound(all.begin(), all.end(), last) - all.begin();
  std::error_code ignored;  // what cannot be removed is in nobody's way
  for (int64_t i = 0; i < static_cast<int64_t>(all.size()); ++i) {
    const int64_t step = all[static_cast<size_t>(i)];
    const bool is_recent = i >= num_past - keep && i < num_past;
    if (is_recent || step == best) continue;
    // Under the name of what is not finished, so that a process which is killed meanwhile leaves nothing that stays.
    const std::string folder = folder_of(step), unfinished = folder + kTemporary;
    fs::rename(folder, unfinished, ignored);
    fs::remove_all(unfinished, ignored);
  }
}

}  // namespace heterodyne
