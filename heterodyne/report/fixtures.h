// A made-up run for the tests of this room: two layers with different numbers of experts, one that changed while it
// trained, everything recorded. Its numbers are simple enough to be worked by hand.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "heterodyne/report/report_input.h"

namespace heterodyne::fixtures {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The published use of DMMoE's experts, and three experts with a table whose information is known.
inline std::vector<int64_t> dmmoe_counts() { return {103993, 51438, 103602, 60967}; }
inline std::vector<int64_t> known_table() { return {30, 5, 5, 5, 25, 10, 5, 10, 25}; }

inline std::vector<ExpertFacts> dmmoe_experts() {
  return {{0, "mlp", "mlp", 65920, 65536},
          {1, "cnn", "conv1d", 353, 20480},
          {2, "vit", "vit_block", 132480, 131072},
          {3, "rnn", "lstm_cell", 132096, 65536}};
}

/// A layer of four experts with k = 2 and ten classes, evenly spread.
inline LayerProfile wide_layer() {
  LayerProfile layer;
  layer.experts = dmmoe_experts();
  layer.counts = {"layers.0", dmmoe_counts(), 160000, 0, 0};
  layer.pair_EE = {103993, 20000, 60000,  23993, 20000, 51438, 20000, 11438,
                   60000,  20000, 103602, 23602, 23993, 11438, 23602, 60967};
  layer.k_histogram = {0, 0, 160000};
  GroupCounts classes{"class", {}, {}, {}};
  for (int y = 0; y < 10; ++y) {
    classes.labels.push_back("class " + std::to_string(y));
    classes.token_G.push_back(16000);
  }
  for (const int64_t count : layer.counts.count_E) {
    for (int y = 0; y < 10; ++y) classes.count_EG.push_back(count / 10 + (y < count % 10 ? 1 : 0));
  }
  layer.groups.push_back(classes);
  layer.confidence = Confidence{160000, 160000 * 0.5, 160000 * 0.4, {52000, 26000, 52000, 30000}, {}, {}};
  layer.confidence->entropy_bins.assign(Confidence::kBins, 8000);
  layer.confidence->margin_bins.assign(Confidence::kBins, 8000);
  for (int i = 0; i < 100; ++i) layer.shuffled_information.push_back(1e-4 + 1e-6 * i);
  layer.sample = {2, {0, 1, 2, 3, 0, 2, 1, -1}};
  layer.knock_out = KnockOut{0.5, 0.9, {0.1, 0.02, 0.3, -0.01}, {-0.05, -0.01, -0.1, 0.001}, {}};
  for (int i = 0; i < 40; ++i) layer.knock_out->loss_change_EY.push_back(i == 7 ? kNan : 0.01 * i);
  layer.similarity = Similarity{4096, true, {1, .2, .3, .1, .2, 1, .4, .1, .3, .4, 1, .2, .1, .1, .2, 1}};
  return layer;
}

/// Three experts, k = 1, three classes: I(E; Y) = .253234.
inline LayerProfile known_layer() {
  LayerProfile layer;
  layer.experts = {{0, "mlp", "mlp", 100, 90}, {1, "mlp", "mlp", 100, 90}, {4, "mlp", "mlp", 100, 90}};
  layer.counts = {"layers.1", {40, 40, 40}, 120, 0, 0};
  layer.pair_EE = {40, 0, 0, 0, 40, 0, 0, 0, 40};
  layer.k_histogram = {0, 120};
  layer.groups = {{"class", {"a", "b", "c"}, known_table(), {40, 40, 40}},
                  {"patch_row", {"0", "1"}, {20, 20, 20, 20, 20, 20}, {60, 60}}};
  for (int i = 0; i < 100; ++i) layer.shuffled_information.push_back(0.01 + 1e-4 * i);
  layer.sample = {1, {0, 1, 4, 4}};
  return layer;
}

inline RoutingProfile profile() {
  RoutingProfile profile;
  profile.about = {{"model", "runs/full"}, {"split", "valid"}, {"step", 1000}};
  profile.num_examples = 10000;
  profile.loss = 0.5;
  profile.accuracy = 0.9;
  profile.cost.routed = {3.48e6, 357611, 0};
  profile.cost.executed = {3.67e6, 357611, 0};
  profile.dense_macs = 4.72e6;
  profile.layers = {wide_layer(), known_layer()};
  profile.random_router = {wide_layer(), known_layer()};
  return profile;
}

inline void add_metrics(RunRecord& run) {
  for (int64_t step = 100; step <= 1000; step += 100) {
    const auto s = static_cast<double>(step);
    run.metrics.push_back(Table{{"step", step},
                                {"epoch", s / 500},
                                {"kind", "train"},
                                {"loss", 100 / s},
                                {"task", 90 / s},
                                {"layers.0.switch_loss", 0.02},
                                {"accuracy", 1 - 50 / s},
                                {"grad_norm", 1.5},
                                {"layers.0.k", 2.0},
                                {"layers.1.k", 1.0},
                                {"lr", 1e-3},
                                {"examples_per_s", 1800.0}});
    if (step % 500 == 0) {
      run.metrics.push_back(Table{{"step", step},
                                  {"kind", "valid"},
                                  {"accuracy", 0.9},
                                  {"loss", 0.5},
                                  {"layers.0.entropy", 0.96},
                                  {"layers.0.max_violation", 0.3}});
    }
  }
}

/// Layer 1 lost expert 2 and got expert 4 of experts 0 and 1 at step 600.
inline ReportInput full_input() {
  ReportInput input;
  RunRecord& run = input.run;
  run.path = "runs/full";
  run.name = "full";
  run.state = "done";
  run.config = {
      {"name", "full"},
      {"seed", 1},
      {"model", Table{{"moe", Table{{"router", Table{{"kind", "top_k"}, {"k", 2}, {"noise", "none"}}},
                                    {"balancers", Array{Table{{"kind", "switch_loss"}, {"weight", 0.02}}}}}}}}};
  run.config_text = "name = \"full\"\n";
  run.environment = {{"version", "0.1.0"}, {"command", Array{"heterodyne", "train", "full"}}};
  add_metrics(run);
  run.events = {
      Table{{"step", 600}, {"layer", 1}, {"event", "remove"}, {"id", 2}, {"reason", "0 assignments in 300 steps"}},
      Table{{"step", 600}, {"layer", 1}, {"event", "split"}, {"id", 4}, {"parents", Array{0}}, {"reason", "a test"}}};
  run.routing = profile();
  LoadHistory wide{"layers.0", {0, 1, 2, 3}, {}, {}}, known{"layers.1", {0, 1, 2, 4}, {}, {}};
  for (int64_t step = 100; step <= 1000; step += 100) {
    wide.step_T.push_back(step);
    known.step_T.push_back(step);
    for (const int64_t count : {400, 200, 400, 240}) wide.count_TE.push_back(count);
    for (const int64_t count : {40, 40, step <= 600 ? 40 : 0, step <= 600 ? 0 : 40}) known.count_TE.push_back(count);
  }
  input.loads = {wide, known};
  input.command = {"heterodyne", "report", "runs/full"};
  return input;
}

/// A folder that holds nothing yet.
inline ReportInput empty_input() {
  ReportInput input;
  input.run.path = "runs/empty";
  input.run.name = "empty";
  input.run.state = "unknown";
  return input;
}

/// A run that goes on and has recorded no routing.
inline ReportInput running_input() {
  ReportInput input;
  input.run.path = "runs/going";
  input.run.name = "going";
  input.run.state = "running";
  add_metrics(input.run);
  return input;
}

}  // namespace heterodyne::fixtures
