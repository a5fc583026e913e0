// heterodyne experts ACTION MODEL: looks at the experts of a trained model, and adds, removes, splits, merges, freezes
// or prunes them. What comes out is another checkpoint, with the optimizer's state; the model itself stays as it is.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/compute.h"
#include "cli/output.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/evaluate.h"
#include "heterodyne/eval/expert_scores.h"
#include "heterodyne/train/growth/pool.h"
#include "heterodyne/train/run_folder.h"

namespace heterodyne {
namespace {

struct ExpertsFlags {
  std::string action;
  std::string model;
  int64_t layer = -1;
  std::vector<std::string> expert;
  std::string by = "load";
  int64_t keep = 0;
  int64_t budget_params = 0;
  std::string newcomer = "copy";
  double spread = 0.1;
  std::string split = "valid";
  int64_t limit = 0;
  std::string out;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field(
        "action", action,
        "ls: what there is; add: one more, like the expert that is named; remove; split: one like the named, which "
        "shares its tokens; merge: one of two; freeze, thaw: whether training changes it; prune: those that are worth "
        "least",
        positional(), required(), one_of("ls", "add", "remove", "split", "merge", "freeze", "thaw", "prune"));
    field("model", model, "a run's folder (its best checkpoint) or a checkpoint's", positional(), required());
    field("layer", layer, "the N of layers.N; the only MoE layer by default, all of them for ls and prune");
    field("expert", expert, "the id of an expert; may be repeated",
          effective_when(action != "ls" && action != "prune", "the action is " + action));
    const auto prunes = effective_when(action == "prune", "the action is not prune");
    field("by", by,
          "prune: an expert's worth is its share of the load, its mean weight times answer, or the loss without",
          one_of("load", "reap", "knockout"), prunes);
    field("keep", keep, "prune: so many experts stay in each layer", at_least(0), prunes);
    field("budget_params", budget_params, "prune: until the model has at most so many parameters", at_least(0), prunes);
    const auto adds = effective_when(action == "add" || action == "split", "the action is neither add nor split");
    field("newcomer", newcomer, "add, split: what the new one begins with",
          one_of("copy", "mean", "fresh", "noisy_copy"), adds);
    field("spread", spread, "add, split: how far the two move apart in the router, of their embedding's length",
          between(0, 1), adds);
    field("split", split, "which examples; the loss is measured on them before and after",
          one_of("train", "valid", "test", "none"));
    field("limit", limit, "at most so many examples; 0: all", at_least(0));
    field("out", out, "where to write; the folder of the new checkpoint");
    compute.visit(field);
    device.visit(field);
    format.visit(field);
  }
};

[[noreturn]] void refuse(const char* flag, const std::string& message) { throw ConfigError("experts", flag, message); }

// A checkpoint with all that goes on from it.
struct Patient {
  CheckpointInfo checkpoint;
  Experiment experiment;
  std::shared_ptr<Network> network;
  std::shared_ptr<Optimizer> optimizer;
  std::unique_ptr<Dataset> dataset;  // null: nothing is measured
  std::unique_ptr<Loader> loader;
  int64_t limit = 0;

  bool validates_averages() const {
    return experiment.options.train.average.validate && !checkpoint.state.averages.empty();
  }
  PassOptions pass() const { return {experiment.dtype(), limit}; }
  // What it does with the weights that others use.
  template <class Measure>
  auto with_used_weights(const Measure& measured) {
    std::optional<AveragedWeights> averaged;
    if (validates_averages()) averaged.emplace(*network, checkpoint.state.averages);
    return measured();
  }
  ClassificationMetrics measure() {
    return with_used_weights([&] { return evaluate(*network, *loader, pass()).metrics; });
  }
};

Patient admit(const ExpertsFlags& options, const cli::Invocation& invocation) {
  const Log log = invocation.terminal.log();
  auto checkpoint = read_checkpoint(find_checkpoint(options.model, log));
  auto experiment = experiment_of(checkpoint);
  auto network = make_network(experiment);
  auto optimizer = optimizers().make(experiment.options.train.optimizer);
  load_checkpoint(checkpoint, *network, optimizer.get());
  optimizer->catch_up();  // of steps that were put off
  if (network->moe_layers().empty())
    refuse("model", options.model + ": expected a network with Mixture-of-Experts layers, it has none");
  Patient patient{std::move(checkpoint), std::move(experiment), std::move(network), std::move(optimizer), {}, {},
                  options.limit};
  if (options.action == "ls" || options.split == "none") return patient;
  patient.dataset = make_dataset(patient.experiment, cli::data_folders(options.compute, invocation.environment), log);
  const Split split = split_named(options.split);
  auto loading = loader_options(patient.experiment, split);
  loading.shuffle = loading.needs_full_batch = false;
  patient.loader = std::make_unique<Loader>(*patient.dataset, split, loading);
  if (patient.dataset->size(split) == 0)
    refuse("split", fmt::format("expected examples to measure on, the {} split is empty", options.split));
  return patient;
}

std::vector<MoeLayer*> chosen_layers(const ExpertsFlags& options, Network& network) {
  auto layers = network.moe_layers();
  if (options.layer < 0) return layers;
  const std::string name = "layers." + std::to_string(options.layer);
  std::vector<std::string> names;
  for (MoeLayer* layer : layers) {
    if (layer->layer_name() == name) return {layer};
    names.push_back(layer->layer_name());
  }
  refuse("layer", fmt::format("expected the number of one of {}, got {}", join(names), options.layer));
}

MoeLayer& chosen_layer(const ExpertsFlags& options, Network& network) {
  const auto layers = chosen_layers(options, network);
  if (layers.size() == 1) return *layers[0];
  refuse("layer", fmt::format("expected --layer N, since the model has {} MoE layers", layers.size()));
}

int64_t num_values(const Expert& expert) {
  int64_t count = 0;
  for (const auto& value : expert.parameters()) count += value.numel();
  return count;
}

void list(const ExpertsFlags& options, Patient& patient, cli::Terminal& terminal) {
  cli::Rows rows{{"layer", "expert", "group", "kind", "parameters", "frozen"}, {}};
  for (const MoeLayer* layer : chosen_layers(options, *patient.network)) {
    for (const auto& slot : layer->slots()) {
      rows.rows.push_back({layer->layer_name(), slot.id, layer->group_name(slot.group), layer->group_kind(slot.group),
                           num_values(*slot.expert), slot.is_frozen});
    }
  }
  cli::print_rows(terminal, rows, options.format.format);
}

void expect_experts(const ExpertsFlags& options, size_t least, size_t most, const char* wanted) {
  if (options.expert.size() >= least && options.expert.size() <= most) return;
  refuse("expert", fmt::format("{} expects {}, got {}", options.action, wanted, options.expert.size()));
}

int64_t id_of(const std::string& text) {
  int64_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0)
    refuse("expert", fmt::format("expected the id of an expert, a whole number, got \"{}\"", printable(text)));
  return id;
}

// Those that are named, each of the layer and once.
std::vector<int64_t> chosen_experts(const ExpertsFlags& options, const MoeLayer& layer) {
  std::vector<int64_t> chosen;
  const auto ids = layer.ids();
  std::vector<std::string> known;
  for (const int64_t id : ids) known.push_back(std::to_string(id));
  for (const auto& text : options.expert) {
    const int64_t id = id_of(text);
    if (std::find(ids.begin(), ids.end(), id) == ids.end())
      refuse("expert",
             fmt::format("expected one of {}, the experts of {}, got {}", join(known), layer.layer_name(), id));
    if (std::find(chosen.begin(), chosen.end(), id) != chosen.end())
      refuse("expert", fmt::format("{} is named twice", id));
    chosen.push_back(id);
  }
  return chosen;
}

void add(const ExpertsFlags& options, MoeLayer& layer, Pool& pool) {
  expect_experts(options, 1, 1, "one expert that the new one is like (--expert ID)");
  const bool is_split = options.action == "split";
  const int64_t parent = chosen_experts(options, layer)[0];
  const std::string reason = fmt::format("{}expert {} by hand", is_split ? "" : "like ", parent);
  pool.add(layer, {parent, {}, options.spread, reason, options.action});
}

void remove(const ExpertsFlags& options, MoeLayer& layer, Pool& pool) {
  expect_experts(options, 1, SIZE_MAX, "at least one expert (--expert ID)");
  for (const int64_t id : chosen_experts(options, layer)) pool.remove(layer, id, "by hand");
}

void merge(const ExpertsFlags& options, MoeLayer& layer, Pool& pool) {
  expect_experts(options, 2, 2, "two experts (--expert ID --expert ID)");
  const auto pair = chosen_experts(options, layer);
  pool.merge(layer, pair[0], pair[1], "by hand");
}

void freeze(const ExpertsFlags& options, MoeLayer& layer, cli::Terminal& terminal) {
  expect_experts(options, 1, SIZE_MAX, "at least one expert (--expert ID)");
  const bool is_frozen = options.action == "freeze";
  for (const int64_t id : chosen_experts(options, layer)) {
    set_frozen(layer, id, is_frozen);
    terminal.print(fmt::format("{}: expert {} {}", layer.layer_name(), id, is_frozen ? "frozen" : "thawed"));
  }
}

// One expert and what it is worth.
struct Worth {
  double score = 0;
  MoeLayer* layer = nullptr;
  int64_t id = 0;
};

// Those of the chosen layers, the least worthy first.
std::vector<Worth> worths(const ExpertsFlags& options, Patient& patient) {
  const auto scores = patient.with_used_weights(
      [&] { return expert_scores(options.by, *patient.network, *patient.loader, patient.pass()); });
  const auto chosen = chosen_layers(options, *patient.network), all = patient.network->moe_layers();
  std::vector<Worth> found;
  for (size_t l = 0; l < all.size(); ++l) {
    if (std::find(chosen.begin(), chosen.end(), all[l]) == chosen.end()) continue;
    for (size_t e = 0; e < scores[l].size(); ++e) found.push_back({scores[l][e], all[l], all[l]->slots()[e].id});
  }
  std::stable_sort(found.begin(), found.end(), [](const Worth& a, const Worth& b) { return a.score < b.score; });
  return found;
}

// Removes the least worthy, and tells of each what the loss was after it.
void prune(const ExpertsFlags& options, Patient& patient, Pool& pool, cli::Terminal& terminal) {
  if (!patient.loader) refuse("split", "prune expects examples to measure worth on, got none");
  if ((options.keep > 0) == (options.budget_params > 0))
    refuse("keep", "prune expects either --keep N or --budget-params P");
  double loss = patient.measure().loss();
  for (const auto& [score, layer, id] : worths(options, patient)) {
    const bool is_enough =
        options.keep > 0 ? layer->num_experts() <= options.keep : num_params(*patient.network) <= options.budget_params;
    if (is_enough || !pool.can_spare(*layer, id)) continue;
    pool.remove(*layer, id, fmt::format("{} {:.4g}", options.by, score));
    const double after = patient.measure().loss();
    terminal.print(fmt::format("{}: removed expert {} ({} {:.4g}, loss {:+.4f})", layer->layer_name(), id, options.by,
                               score, after - loss));
    loss = after;
  }
  for (const MoeLayer* layer : chosen_layers(options, *patient.network)) {
    if (options.keep == 0 || layer->num_experts() <= options.keep) continue;
    refuse("keep", fmt::format("{} experts cannot be reached: {} of {} are left when none can be spared", options.keep,
                               layer->num_experts(), layer->layer_name()));
  }
  if (options.budget_params > 0 && num_params(*patient.network) > options.budget_params) {
    refuse("budget_params", fmt::format("{} parameters cannot be reached: {} are left when no expert can be spared",
                                        with_commas(options.budget_params), with_commas(num_params(*patient.network))));
  }
}

void operate(const ExpertsFlags& options, Patient& patient, cli::Terminal& terminal) {
  PoolOptions limits;
  limits.newcomer = options.newcomer;
  Pool pool({*patient.network, *patient.optimizer, patient.checkpoint.state.averages, patient.experiment.seed()},
            limits);
  if (options.action == "prune") return prune(options, patient, pool, terminal);
  MoeLayer& layer = chosen_layer(options, *patient.network);
  if (options.action == "add" || options.action == "split") add(options, layer, pool);
  if (options.action == "remove") remove(options, layer, pool);
  if (options.action == "merge") merge(options, layer, pool);
  if (options.action == "freeze" || options.action == "thaw") freeze(options, layer, terminal);
  for (const auto& line : growth_lines({patient.checkpoint.state.step, pool.events()})) terminal.print(line);
}

int run_experts(const ExpertsFlags& options, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  cli::apply(options.compute, invocation);
  cli::device_of(options.device, invocation.environment);
  const bool is_look = options.action == "ls";
  if (!is_look && options.out.empty())
    refuse("out", options.action + " expects --out DIR, where the new checkpoint goes");
  if (!options.out.empty() && std::filesystem::exists(options.out))
    refuse("out", options.out + ": exists already; choose another folder");
  auto patient = admit(options, invocation);
  if (is_look) {
    list(options, patient, terminal);
    return 0;
  }
  const int64_t params = num_params(*patient.network);
  const auto before = patient.loader ? std::optional(patient.measure()) : std::nullopt;
  operate(options, patient, terminal);
  // What is kept by position speaks of experts that were there before.
  patient.checkpoint.state.window = {};
  patient.checkpoint.state.growth = {};
  std::string change =
      fmt::format("parameters {} -> {}", with_commas(params), with_commas(num_params(*patient.network)));
  if (before) {
    const auto after = patient.measure();
    change += fmt::format("   {} split: loss {:.4f} -> {:.4f}", options.split, before->loss(), after.loss());
    if (!after.are_numbers())
      change += fmt::format(", accuracy {:.2f} -> {:.2f} %", 100 * before->accuracy(), 100 * after.accuracy());
  }
  terminal.print(change);
  save_checkpoint(options.out, *patient.network, *patient.optimizer, patient.checkpoint.state, patient.experiment);
  terminal.say("wrote " + options.out);
  return 0;
}

}  // namespace

CommandKind command_kind_experts() {
  return command_kind<ExpertsFlags>(
      "look at a trained model's experts; add, remove, split, merge, freeze or prune them",
      "heterodyne experts ls runs/demo\n"
      "heterodyne experts prune runs/demo --by reap --keep 3 --out models/three\n"
      "heterodyne experts split runs/demo --expert 0 --out models/split\n"
      "heterodyne experts merge models/split --expert 0 --expert 4 --out models/merged\n"
      "heterodyne experts freeze runs/demo --expert 1 --split none --out models/frozen",
      run_experts);
}

}  // namespace heterodyne
