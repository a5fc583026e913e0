#include "cli/conversion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cli/output.h"
#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/convert/router_rows.h"
#include "heterodyne/data/loader.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/folder.h"
#include "heterodyne/io/safetensors.h"
#include "heterodyne/io/sha256.h"
#include "heterodyne/train/run_folder.h"
#include "heterodyne/train/transfer/remade.h"

namespace heterodyne::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSampleTokens = 512;  // that the converted model is compared on

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw DeviceError(path + ": cannot be made: " + error.message());
}

std::vector<DenseLayer> chosen_layers(const ConversionOptions& options, const TrainedModel& dense) {
  const auto all = dense_layers_of(*dense.network);
  std::vector<std::string> known;
  for (const auto& layer : all) known.push_back(std::to_string(layer.index));
  std::vector<DenseLayer> chosen;
  for (const auto& layer : all) {
    const auto& wanted = options.layers;
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), layer.index) != wanted.end()) chosen.push_back(layer);
  }
  for (const int64_t wanted : options.layers) {
    const bool is_known = std::any_of(all.begin(), all.end(), [&](const auto& layer) { return layer.index == wanted; });
    if (!is_known)
      throw ConfigError("convert", "layers",
                        fmt::format("expected dense layers of {} ({}), got {}", options.model, join(known), wanted));
  }
  return chosen;
}

// Of the bound; what rounding leaves of a plan that reaches it counts as nothing.
double gap_of(const Partitioned& found) {
  const double gap = 1 - found.objective / found.bound;
  return std::abs(gap) < 1e-12 ? 0 : gap;
}

// "2,048 tokens"
std::string amount_of(const Batch& batch) {
  if (batch.inputs.is_floating_point()) return with_commas(batch.inputs.size(0)) + " images";
  return with_commas(batch.inputs.size(0) * batch.inputs.size(1)) + " tokens";
}

bool is_in(const std::string& file, const std::vector<std::string>& folders) {
  std::error_code ignored;
  return fs::exists(file, ignored) || std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
           return fs::exists(fs::path(folder) / file, ignored);
         });
}

// What the scores of a file were made of; empty when it does not say.
std::string settings_of(const io::SafetensorsFile& scores) {
  const Value* settings = scores.metadata().find("settings");
  return settings && settings->if_text() ? *settings->if_text() : "";
}

// Throws ConfigError when the result cannot lie where it is to.
void check_out(const ConversionOptions& options) {
  const auto refuse = [&](const std::string& message) {
    throw ConfigError(fmt::format("convert: {}: {}. Another folder: --set out=DIR", options.out, message));
  };
  std::error_code ignored;
  if (fs::equivalent(options.model, options.out, ignored) || fs::exists(options.out + "/manifest.json", ignored))
    refuse("expected a folder for the result, it holds a model");
  const auto steps = CheckpointFolder(options.out + "/checkpoints").steps();
  if (!steps.empty() && steps.back() > 0)
    refuse("expected a folder whose model was not tuned yet, it is at step " + with_commas(steps.back()));
}

}  // namespace

bool is_conversion(const Table& config) { return config.contains("partition") && !config.contains("data"); }

ConversionOptions read_conversion(const Table& config) {
  Problems problems;
  Schema::of<ConversionOptions>().resolve(config, {}, problems);
  problems.throw_if_any();
  auto options = read_options<ConversionOptions>(config, {});
  options.out = io::without_slashes(options.out);
  for (const auto& setting : options.tuning) {
    if (setting.rfind("data.", 0) == 0 || setting.rfind("train.", 0) == 0) continue;
    throw ConfigError(
        "convert", "tuning",
        fmt::format("expected settings of data and train alone, got \"{}\": the network is the conversion's", setting));
  }
  return options;
}

Conversion::Conversion(ConversionOptions options, const ComputeFlags& flags, const Invocation& invocation)
    : options_(std::move(options)),
      flags_(flags),
      invocation_(invocation),
      dense_(load_model(options_.model, {}, invocation.terminal.log())),
      layers_(chosen_layers(options_, dense_)) {
  check_out(options_);
}

size_t Conversion::num_domains() const { return std::max<size_t>(1, options_.domains.size()); }

Experiment Conversion::experiment_of_domain(size_t d) const {
  Experiment experiment = dense_.experiment;
  if (!options_.domains.empty()) experiment.options.data = options_.domains[d];
  return experiment;
}

std::unique_ptr<Dataset> Conversion::texts_of(const Experiment& experiment) const {
  return make_dataset(experiment, data_folders(flags_, invocation_.environment), invocation_.terminal.log());
}

// The first sequences of a domain, in order.
void Conversion::read_domain(size_t d, const std::function<void(const BatchSource&)>& use) const {
  const Experiment experiment = experiment_of_domain(d);
  const auto dataset = texts_of(experiment);
  LoaderOptions loading = loader_options(experiment, Split::kTrain);
  loading.shuffle = false;
  loading.needs_full_batch = true;
  Loader loader(*dataset, Split::kTrain, loading);
  loader.start(0);
  int64_t left = options_.sequences;
  use([&]() -> std::optional<Batch> {
    auto batch = left > 0 ? loader.next() : std::nullopt;
    if (!batch) return std::nullopt;
    if (batch->size() > left) batch = first_of(*batch, left);
    left -= batch->size();
    return batch;
  });
}

torch::Tensor Conversion::score_of_domain(size_t d) const {
  const auto kind = scores().make(options_.score);
  Scored found;
  read_domain(d, [&](const BatchSource& next) { found = score_domain(*dense_.network, *kind, next); });
  if (kind->reads_texts() && found.num_sequences < options_.sequences) {
    invocation_.terminal.log().warning(fmt::format("a domain has {} sequences, fewer than the {} asked for",
                                                   with_commas(found.num_sequences), with_commas(options_.sequences)));
  }
  return found.score_LF;
}

// What the scores depend on.
std::string Conversion::score_settings() const {
  Table settings{{"model", options_.model}, {"sequences", options_.sequences}, {"score", options_.score.settings}};
  Array domains;
  for (const auto& domain : options_.domains) domains.push_back(domain.settings);
  settings.set("domains", std::move(domains));
  settings.set("weights", io::sha256_of_file(dense_.checkpoint.folder + "/manifest.json"));
  settings.set("texts", texts_mark());
  return write_toml(settings);
}

// Of all that is read of the domains, whatever the files are called.
const std::string& Conversion::texts_mark() const {
  if (!texts_mark_.empty()) return texts_mark_;
  std::string marks;
  for (size_t d = 0; d < num_domains(); ++d) {
    read_domain(d, [&](const BatchSource& next) {
      while (const auto batch = next()) {
        for (const auto& part : {batch->inputs, batch->label_B}) {
          const auto bytes = part.contiguous();
          marks += io::sha256_hex({static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()});
        }
      }
    });
    marks += ';';
  }
  texts_mark_ = io::sha256_hex(marks);
  return texts_mark_;
}

bool Conversion::needs_scores() const {
  return options_.router_init == "domains" || partitioners().make(options_.partition)->reads_scores();
}

void Conversion::score() {
  make_folder(options_.out);
  const std::string path = options_.out + "/scores.safetensors";
  if (fs::exists(path) && settings_of(io::SafetensorsFile(path)) == score_settings())
    return invocation_.terminal.say(path + ": of the same settings, kept");
  std::vector<torch::Tensor> score_of_domain_D;
  for (size_t d = 0; d < num_domains(); ++d) {
    invocation_.terminal.progress(fmt::format("scoring domain {} of {}", d + 1, num_domains()));
    score_of_domain_D.push_back(score_of_domain(d));
  }
  invocation_.terminal.clear_progress();
  const auto score_LFD = torch::stack(score_of_domain_D, 2);
  io::write_safetensors(path, {{"score_LFD", score_LFD}}, Table{{"settings", score_settings()}});
  invocation_.terminal.print(fmt::format("{}: {} layers x {} neurons x {} domains", path, score_LFD.size(0),
                                         with_commas(score_LFD.size(1)), score_LFD.size(2)));
}

torch::Tensor Conversion::read_scores() const {
  const std::string path = options_.out + "/scores.safetensors";
  const auto all = dense_layers_of(*dense_.network);
  const io::SafetensorsFile file(path);
  if (settings_of(file) != score_settings())
    throw FormatError::in_file(path,
                               "expected scores of this model, these texts and settings, got others; to make them: "
                               "heterodyne convert score");
  const auto score_LFD = file.tensor("score_LFD").clone();
  const bool fits = score_LFD.dim() == 3 && score_LFD.size(0) == static_cast<int64_t>(all.size()) &&
                    score_LFD.size(1) == all.front().num_neurons() && score_LFD.scalar_type() == torch::kFloat64;
  if (fits) return score_LFD;
  throw FormatError::in_file(
      path, fmt::format("score_LFD: expected float64 [{}, {}, domains], got another shape or type", all.size(),
                        all.front().num_neurons()));
}

void Conversion::partition() {
  const auto score_LFD = needs_scores() ? read_scores() : torch::Tensor();
  const auto level_LFD = score_LFD.defined() ? levels_of(score_LFD) : torch::Tensor();
  const auto all = dense_layers_of(*dense_.network);
  const auto kind = partitioners().make(options_.partition);
  make_folder(options_.out + "/maps");
  Rows rows{{"layer", "neurons of each expert", "objective", "upper bound", "gap %"}, {}};
  for (const auto& layer : layers_) {
    const auto l =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.index == layer.index; }) - all.begin();
    invocation_.terminal.progress(layer.name);
    PartitionInput input{layer.key_FH(), {}, {}, options_.experts, layer.index, static_cast<uint64_t>(options_.seed)};
    if (score_LFD.defined()) input.score_FD = score_LFD[l], input.level_FD = level_LFD[l];
    const auto found = kind->divide(input);
    io::write_file(options_.out + "/maps/" + neuron_map_name(layer.index, options_.experts), text_of(found.map));
    std::string sizes;
    for (const int64_t size : found.map.sizes()) sizes += (sizes.empty() ? "" : " ") + std::to_string(size);
    const bool has_bound = found.bound > 0;
    rows.rows.push_back({layer.index, sizes, has_bound ? Value(found.objective) : Value(),
                         has_bound ? Value(found.bound) : Value(), has_bound ? Value(100 * gap_of(found)) : Value()});
  }
  invocation_.terminal.clear_progress();
  print_rows(invocation_.terminal, rows, "table");
}

ConversionPlan Conversion::read_plan() const {
  ConversionPlan plan{{}, options_.router.settings, {}, options_.router_init, options_.combine, {}};
  for (const auto& balancer : options_.balancers) plan.balancers.push_back(balancer.settings);
  for (const auto& layer : layers_) {
    const std::string path = options_.out + "/maps/" + neuron_map_name(layer.index, options_.experts);
    plan.maps[layer.index] = parse_neuron_map(io::read_file(path), options_.experts, path);
  }
  return plan;
}

std::map<int64_t, torch::Tensor> Conversion::domain_routers(const ConversionPlan& plan) const {
  const auto all = dense_layers_of(*dense_.network);
  const auto level_LFD = levels_of(read_scores());
  std::vector<torch::Tensor> mean_LH;  // of each domain
  for (size_t d = 0; d < num_domains(); ++d) {
    read_domain(d, [&](const BatchSource& next) { mean_LH.push_back(input_means(*dense_.network, all, next)); });
  }
  const auto mean_LDH = torch::stack(mean_LH, 1);
  std::map<int64_t, torch::Tensor> rows;
  for (size_t l = 0; l < all.size(); ++l) {
    const auto found = plan.maps.find(all[l].index);
    const auto at = static_cast<int64_t>(l);
    if (found != plan.maps.end()) rows[all[l].index] = domain_rows(found->second, level_LFD[at], mean_LDH[at]);
  }
  return rows;
}

// Of the first domain; random where the conversion reads none, so that a model can be converted without data. So few
// tokens that their logits take little memory.
Batch Conversion::sample_batch() const {
  if (!needs_scores()) {
    auto batch = random_batch(network_shape(dense_.experiment));
    if (!batch.inputs.is_floating_point())
      batch.inputs =
          batch.inputs.narrow(0, 0, std::clamp<int64_t>(kSampleTokens / batch.inputs.size(1), 1, batch.size()));
    return batch;
  }
  const auto dataset = texts_of(experiment_of_domain(0));
  const int64_t length = std::max<int64_t>(1, dataset->shape().length);
  const int64_t count = std::clamp<int64_t>(kSampleTokens / length, 1, dataset->size(Split::kTrain));
  return dataset->get(Split::kTrain, torch::arange(count));
}

void Conversion::check(const Answered& dense, Network& converted, const ConversionPlan& plan,
                       const CopyCoverage& coverage) const {
  auto& terminal = invocation_.terminal;
  terminal.print(fmt::format(
      "coverage  {} of {} source tensors used; {} target tensors: {} from source, {} new by recipe (routers)",
      coverage.source_used, coverage.source_total, coverage.target_from_source + coverage.target_new,
      coverage.target_from_source, coverage.target_new));
  const auto difference = [&](int64_t num_experts) {
    return (answers_of(converted, dense.batch, num_experts) - dense.logit_BSY).abs().max().item<double>();
  };
  if (coverage.neurons_left_out > 0) {
    return terminal.print(fmt::format(
        "parity    all experts on: max |logit error| {:.1e} over {}; {} neurons of {} layers are in no expert",
        difference(options_.experts), amount_of(dense.batch), with_commas(coverage.neurons_left_out),
        plan.maps.size()));
  }
  require(difference(options_.experts), "all experts on", dense.batch);
  const bool are_copies =
      std::all_of(plan.maps.begin(), plan.maps.end(), [](const auto& map) { return map.second.are_copies(); });
  if (are_copies && plan.combine == "mean") require(difference(0), "as routed", dense.batch);
}

void Conversion::require(double difference, const std::string& what, const Batch& batch) const {
  if (!(difference <= options_.tolerance)) {
    throw CheckError(fmt::format(
        "convert: {}: expected the dense model's logits to {:.0e}, got a difference of {:.1e}. "
        "Nothing was written. {}",
        what, options_.tolerance, difference,
        options_.combine == "sum" ? "A router whose weights are not one cannot keep them; one whose weights add up "
                                    "to one needs combine = \"mean\""
                                  : "A router whose weights do not add up to one cannot keep them, nor can one whose "
                                    "weights are unequal, except for copies"));
  }
  invocation_.terminal.print(fmt::format("parity    {}: max |logit error| {:.1e} over {} (limit {:.0e})  ok", what,
                                         difference, amount_of(batch), options_.tolerance));
}

// As a run that has made no step: it can be evaluated, routed, and tuned with `train --resume`.
void Conversion::save(Network& converted, const Experiment& experiment) const {
  const io::FolderLock lock(options_.out);
  check_out(options_);  // somebody may have tuned it meanwhile
  const CheckpointFolder checkpoints(options_.out + "/checkpoints");
  make_folder(options_.out + "/checkpoints");
  std::error_code ignored;
  fs::remove_all(checkpoints.folder_of(0), ignored);
  io::write_file(options_.out + "/resolved.toml", write_toml(experiment.resolved, true));
  save_checkpoint(checkpoints.folder_of(0), converted, *optimizers().make(experiment.options.train.optimizer), {},
                  experiment);
  checkpoints.settle(0, std::nullopt, 1);
  io::write_file(options_.out + "/state", "interrupted\n");
}

void Conversion::build() {
  auto plan = read_plan();
  if (plan.router_init == "domains") plan.router_EH = domain_routers(plan);
  Table config = dense_.experiment.resolved;
  const Value* model = config.find("model");
  config.set("model", converted_settings(*model->if_table(), plan));
  config.set("name", fs::path(options_.out).filename().string());
  for (const auto& setting : options_.tuning) set_from_text(config, setting);
  auto experiment = read_experiment(config);
  experiment.vocabulary = dense_.experiment.vocabulary;
  experiment.tokenizer_config = dense_.experiment.tokenizer_config;
  const auto batch = sample_batch();
  const Answered dense{batch, answers_of(*dense_.network, batch)};
  layers_.clear();
  dense_.network.reset();
  const auto converted = make_network(experiment);
  const auto coverage = copy_converted(values_of(dense_.checkpoint), *converted, plan);
  converted->eval();
  check(dense, *converted, plan, coverage);
  save(*converted, experiment);
  const Value* path = experiment.options.data.settings.find("path");
  const bool needs_text = experiment.options.data.kind == "text_lm" && path && path->if_text() &&
                          !is_in(*path->if_text(), data_folders(flags_, invocation_.environment));
  invocation_.terminal.say(
      fmt::format("{0}: converted. Next: heterodyne eval {0}{1}; to tune it: heterodyne train --resume {0}{2}",
                  options_.out, needs_text ? " --text FILE" : "", needs_text ? " --set data.path=FILE" : ""));
}

}  // namespace heterodyne::cli
