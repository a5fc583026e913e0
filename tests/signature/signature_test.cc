// Signatures: what twenty steps of small runs compute, to ten digits, and which experts their tokens went to. A change
// that is meant to change no number keeps them. One that changes numbers takes over what the failing test prints, in
// the same commit, and says why.
//
// float64, one thread and fixed seeds, so that a machine's vector width moves only the last digits. Kernels compute
// float32 only: the same runs in float32, with and without them, agree to rounding.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "heterodyne/base/config.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/train/experiment.h"
#include "heterodyne/train/trainer.h"

namespace heterodyne {
namespace {

constexpr const char* kRun = R"(
name = "signature"
seed = 11
data = { kind = "synthetic", examples = 800, test_examples = 10, classes = 5, size = 16, batch = 32 }
train = { epochs = 1, dtype = "float64" }
)";

constexpr const char* kMixed = R"(
[model]
kind = "dmmoe"
width = 16
moe = { router = { kind = "top_k", k = 2, noise = "gumbel" }, experts = [{ kind = "mlp", hidden = 24 }, { kind = "conv1d", channels = 4 }, { kind = "vit_block", heads = 2, hidden = 20, dropout = 0.1 }, { kind = "lstm_cell" }], balancers = [{ kind = "switch_loss" }, { kind = "z_loss" }] }
[train]
optimizer = { kind = "adamw", lr = 2e-3, clip_norm = 1.0 }
schedule = { kind = "one_cycle" }
)";

constexpr const char* kEqual = R"(
[model]
kind = "dmmoe"
width = 16
stem = "conv"
layers = 2
dropout = 0.1
dense = "mlp"
moe = { layers = [1], router = { kind = "top_k", k = 1, weights = "score", noise = "gaussian" }, experts = [{ kind = "mlp", hidden = [8, 16, 24] }] }
[train]
accumulate = 2
optimizer = { kind = "sgd", lr = 0.05, momentum = 0.9 }
schedule = { kind = "cosine" }
)";

constexpr const char* kDense = R"(
[model]
kind = "mlp"
)";

struct Signature {
  const char* name;
  const char* settings;
  double first_loss, last_loss;
  uint64_t routing;
};

void PrintTo(const Signature& signature, std::ostream* out) { *out << signature.name; }

// FNV-1a over the assignments of every step.
struct Recorder : Hook {
  double first_loss = 0, last_loss = 0;
  uint64_t routing = 0xcbf29ce484222325;

  void add(int64_t number) { routing = (routing ^ static_cast<uint64_t>(number)) * 0x100000001b3; }

  void on_step(const StepReport& report) override {
    if (report.step == 1) first_loss = report.result.loss;
    last_loss = report.result.loss;
    for (const auto& layer : report.result.routing.layers()) {
      for (const int64_t count : layer.count_E) add(count);
    }
  }

  // Which expert each token of a batch goes to, once training is over.
  void add_pairs(Network& network, const Batch& batch) {
    RoutingLog log;
    log.keep_pairs = true;
    network.forward(batch, &log);
    for (const auto& layer : log.layers) {
      const auto& plan = layer.routing.plan;
      for (int64_t n = 0; n < plan.num_pairs(); ++n) {
        add(plan.token_N[n].item<int64_t>());
        add(plan.expert_N[n].item<int64_t>());
      }
    }
  }
};

class SignatureTest : public testing::TestWithParam<Signature> {};

Recorder twenty_steps(const Signature& signature, const std::string& dtype) {
  at::set_num_threads(1);
  Table config = parse_toml(kRun, "signature");
  merge(config, parse_toml(signature.settings, signature.name));
  merge(config, Table{{"train", Table{{"dtype", dtype}}}});
  const auto experiment = read_experiment(config);
  const auto dataset = make_dataset(experiment, {}, {});
  const auto network = make_network(experiment);
  const auto optimizer = optimizers().make(experiment.options.train.optimizer);
  Recorder recorder;
  int64_t steps = 0;
  Trainer trainer({experiment, *dataset, *network, *optimizer, {&recorder}, nullptr, [&] { return ++steps == 20; }},
                  {});
  trainer.run();
  Loader loader(*dataset, Split::kValid, loader_options(experiment, Split::kValid));
  loader.start(0);
  if (auto batch = loader.next()) {
    batch->inputs = batch->inputs.to(dtype == "float64" ? torch::kFloat64 : torch::kFloat32);
    recorder.add_pairs(*network, *batch);
  }
  return recorder;
}

TEST_P(SignatureTest, TwentyStepsComputeWhatTheyDid) {
  const auto& expected = GetParam();
  const Recorder recorder = twenty_steps(expected, "float64");
  const auto near = [](double a, double b) { return std::abs(a - b) <= 1e-10 * std::abs(b); };
  EXPECT_TRUE(near(recorder.first_loss, expected.first_loss) && near(recorder.last_loss, expected.last_loss) &&
              recorder.routing == expected.routing)
      << fmt::format("now: {:.12f}, {:.12f}, {:#x}", recorder.first_loss, recorder.last_loss, recorder.routing);
}

// float32, which kernels compute: rounding grows over twenty steps, a wrong gradient by far more.
TEST_P(SignatureTest, KernelsChangeOnlyTheLastDigits) {
  const ops::Isa before = ops::isa();
  ops::set_isa(ops::Isa::kPlain);
  const Recorder plain = twenty_steps(GetParam(), "float32");
  for (const ops::Isa isa : ops::available_isas()) {
    ops::set_isa(isa);
    const Recorder recorder = twenty_steps(GetParam(), "float32");
    EXPECT_NEAR(recorder.first_loss, plain.first_loss, 1e-5 * plain.first_loss) << ops::name_of(isa);
    EXPECT_NEAR(recorder.last_loss, plain.last_loss, 1e-3 * plain.last_loss) << ops::name_of(isa);
  }
  ops::set_isa(before);
}

INSTANTIATE_TEST_SUITE_P(Runs, SignatureTest,
                         testing::Values(Signature{"mixed", kMixed, 1.661968445495, 1.650156426409, 0x57343ad70cfd22db},
                                         Signature{"equal", kEqual, 1.679834856357, 1.597588442264, 0x21e00e9815a01e7c},
                                         Signature{"dense", kDense, 2.336924190251, 0.882050646910,
                                                   0xcbf29ce484222325}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace heterodyne
