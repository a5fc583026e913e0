#include "heterodyne/eval/evaluate.h"

#include "heterodyne/eval/token_types.h"

namespace heterodyne {
namespace {

// Examples as the network's cost counts them. Where each is one token, layers count those too that are not judged, as
// the questions of instructions are not.
double examples_in(const LayerCounts& layer, const Network& network, int64_t num_judged) {
  return static_cast<double>(std::max<int64_t>(network.tokens_per_example() == 1 ? layer.num_tokens : num_judged, 1));
}

// Assignments of one example on average, for each expert of each layer.
std::vector<std::vector<double>> loads_of(const RoutingStats& routing, const Network& network, int64_t num_examples) {
  std::vector<std::vector<double>> loads;
  for (const auto& layer : routing.layers()) {
    auto& load_E = loads.emplace_back();
    for (const int64_t count : layer.count_E)
      load_E.push_back(static_cast<double>(count) / examples_in(layer, network, num_examples));
  }
  return loads;
}

// An average token meets each expert as often as it chooses it.
double active_params_of(Network& network, const RoutingStats& routing) {
  auto active = static_cast<double>(num_params(network));
  const auto layers = network.moe_layers();
  for (size_t l = 0; l < layers.size() && l < routing.layers().size(); ++l) {
    const LayerCounts& counts = routing.layers()[l];
    const auto tokens = static_cast<double>(std::max<int64_t>(counts.num_tokens, 1));
    for (size_t e = 0; e < counts.count_E.size(); ++e) {
      const double use = static_cast<double>(counts.count_E[e]) / tokens;
      active -= (1 - use) * static_cast<double>(layers[l]->slots()[e].expert->cost({1, 1, 1}).routed.params);
    }
  }
  return active;
}

}  // namespace

Table Evaluation::table() const {
  Table table;
  for (const auto& [name, value] : metrics.scores()) table.set(name, value);
  for (size_t l = 0; l < routing.layers().size(); ++l) {
    const LayerCounts& layer = routing.layers()[l];
    const Balance balance = balance_of(layer.count_E);
    const auto set = [&](const std::string& name, Value value) {
      table.set(layer.layer + "." + name, std::move(value));
    };
    set("cv", balance.cv);
    set("entropy", balance.entropy);
    set("effective", balance.effective);
    set("max_violation", balance.max_violation);
    set("gini", balance.gini);
    set("dead", balance.num_dead);
    set("starved", balance.num_starved);
    set("mean_k", layer.mean_k());
    set("unrouted",
        layer.num_tokens > 0 ? static_cast<double>(layer.num_unrouted) / static_cast<double>(layer.num_tokens) : 0.0);
    const auto wanted = static_cast<double>(std::max<int64_t>(layer.num_assignments() + layer.num_dropped, 1));
    set("dropped", static_cast<double>(layer.num_dropped) / wanted);
    const auto assignments = static_cast<double>(std::max<int64_t>(layer.num_assignments(), 1));
    for (size_t e = 0; e < layer.count_E.size(); ++e) {
      set("experts." + std::to_string(ids[l][e]) + ".share", static_cast<double>(layer.count_E[e]) / assignments);
    }
  }
  table.set("params", num_params);
  table.set("params.active", active_params);
  table.set("macs.routed", cost.routed.macs);
  table.set("macs.executed", cost.executed.macs);
  return table;
}

Evaluation evaluate(Network& network, Loader& loader, const PassOptions& pass, RoutingRecorder* recorder) {
  const EvalMode eval_mode(network);
  Evaluation evaluation;
  evaluation.num_params = num_params(network);
  for (const MoeLayer* layer : network.moe_layers()) evaluation.ids.push_back(layer->ids());
  std::vector<torch::Tensor> carry;
  each_batch(loader, pass, [&](Batch batch) {
    RoutingLog log = recorder ? RoutingRecorder::log() : RoutingLog();
    batch.take_over(std::move(carry));
    auto output = network.forward(batch, &log);
    carry = std::move(output.carry);
    evaluation.metrics.add(output.logit_BY, batch.label_B);
    evaluation.routing.add(log);
    if (recorder) recorder->add(batch, log);
  });
  const int64_t num_examples = evaluation.metrics.num_examples();
  if (num_examples > 0) evaluation.cost = network.cost(loads_of(evaluation.routing, network, num_examples));
  evaluation.active_params = active_params_of(network, evaluation.routing);
  return evaluation;
}

RecorderOptions recorder_options(const Dataset& dataset, Split split, uint64_t seed) {
  RecorderOptions options;
  options.class_names = dataset.class_names();
  if (!options.class_names.empty()) options.label_of_example = dataset.labels(split);
  if (dataset.vocabulary() && dataset.shape().is_paired()) {
    options.words = *dataset.vocabulary();
  } else if (dataset.vocabulary()) {
    options.vocabulary = *dataset.vocabulary();
    options.token_types = token_types_of(options.vocabulary);
  }
  options.seed = seed;
  return options;
}

RoutingProfile profile_of(Network& network, const Evaluation& evaluation, const RoutingRecorder* recorder,
                          Table about) {
  RoutingProfile profile;
  profile.about = std::move(about);
  profile.num_examples = evaluation.metrics.num_examples();
  profile.loss = evaluation.metrics.loss();
  profile.accuracy = evaluation.metrics.accuracy();
  profile.cost = evaluation.cost;
  profile.layers = recorder ? recorder->layers() : RoutingRecorder(network, {}).layers();
  const auto& counts = evaluation.routing.layers();
  for (size_t l = 0; l < counts.size(); ++l) profile.layers[l].counts = counts[l];
  std::vector<std::vector<double>> all_tokens;
  for (const auto& layer : profile.layers) {
    const double per_example =
        static_cast<double>(layer.counts.num_tokens) / examples_in(layer.counts, network, profile.num_examples);
    all_tokens.emplace_back(layer.counts.count_E.size(), per_example);
  }
  profile.dense_macs = network.cost(all_tokens).routed.macs;
  return profile;
}

}  // namespace heterodyne
