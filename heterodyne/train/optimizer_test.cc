// The promises of optimizer.h, kept by every kind, and each kind's own numbers.
#include "heterodyne/train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "heterodyne/base/config.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::optimizer_test {
namespace {

NamedParameters one_parameter(const torch::Tensor& value) { return {{"w", value.clone().requires_grad_()}}; }

void set_gradient(const NamedParameters& parameters, const torch::Tensor& gradient) {
  for (const auto& parameter : parameters) parameter.second.mutable_grad() = gradient.clone();
}

class OptimizerContract : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<Optimizer> make() const {
    Table settings{{"kind", GetParam()}};
    if (GetParam() == "sgd") settings.set("momentum", 0.9);
    return optimizers().make(Member(settings));
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, OptimizerContract, testing::ValuesIn(optimizers().names()),
                         [](const auto& test) { return test.param; });

TEST_P(OptimizerContract, WalksDownhill) {
  const auto optimizer = make();
  const auto parameters = one_parameter(torch::tensor({3.0, -2.0}));
  for (int i = 0; i < 300; ++i) {
    set_gradient(parameters, 2 * parameters[0].second.detach());
    optimizer->step(parameters, 0.02);
  }
  EXPECT_LT(parameters[0].second.abs().max().item<double>(), 0.1);
}

// What is made of a weight and kept, such as its panels, is made anew after a step.
TEST_P(OptimizerContract, TellsThatValuesChanged) {
  const auto optimizer = make();
  const auto parameters = one_parameter(torch::tensor({3.0, -2.0}));
  for (int i = 0; i < 2; ++i) {
    const auto before = parameters[0].second._version();
    set_gradient(parameters, torch::ones({2}));
    optimizer->step(parameters, 0.1);
    EXPECT_GT(parameters[0].second._version(), before);
  }
}

TEST_P(OptimizerContract, AMissingGradientIsAZeroGradient) {
  const auto with_zero = make(), with_none = make();
  const auto a = one_parameter(torch::tensor({3.0, -2.0})), b = one_parameter(torch::tensor({3.0, -2.0}));
  for (int i = 0; i < 4; ++i) {
    set_gradient(a, i % 2 == 0 ? torch::tensor({1.0, -1.0}) : torch::zeros({2}));
    if (i % 2 == 0) set_gradient(b, torch::tensor({1.0, -1.0}));
    else b[0].second.mutable_grad() = torch::Tensor();
    with_zero->step(a, 0.1);
    with_none->step(b, 0.1);
  }
  EXPECT_TRUE(torch::equal(a[0].second, b[0].second));
}

TEST_P(OptimizerContract, LeavesFrozenParametersAlone) {
  const auto optimizer = make();
  NamedParameters parameters = one_parameter(torch::ones({2}));
  parameters[0].second.set_requires_grad(false);
  optimizer->step(parameters, 0.1);
  EXPECT_TRUE(torch::equal(parameters[0].second, torch::ones({2})));
  EXPECT_TRUE(optimizer->state().empty());
}

TEST_P(OptimizerContract, GoesOnFromSavedStateBitForBit) {
  const auto unbroken = make(), first = make(), second = make();
  const auto a = one_parameter(torch::tensor({3.0, -2.0})), b = one_parameter(torch::tensor({3.0, -2.0}));
  for (int i = 0; i < 6; ++i) {
    const auto gradient = torch::tensor({0.3 * i, 1.0 - i});
    set_gradient(a, gradient);
    set_gradient(b, gradient);
    unbroken->step(a, 0.1);
    if (i == 3) second->load_state(b, first->state(), "optimizer.safetensors");
    (i < 3 ? first : second)->step(b, 0.1);
  }
  EXPECT_TRUE(torch::equal(a[0].second, b[0].second));
}

TEST_P(OptimizerContract, RefusesStateOfSomethingElse) {
  const auto source = make(), target = make();
  const auto parameters = one_parameter(torch::ones({2})),
             others = NamedParameters{{"v", torch::ones({2}).requires_grad_()}};
  set_gradient(parameters, torch::ones({2}));
  source->step(parameters, 0.1);
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { target->load_state(others, source->state(), "o.safetensors"); }),
            "o.safetensors: w: no such parameter in this network");
  const NamedParameters wider = {{"w", torch::ones({3}).requires_grad_()}};
  EXPECT_NE(fixtures::message_of<FormatError>([&] {
              target->load_state(wider, source->state(), "o.safetensors");
            }).find("does not fit this optimizer"),
            std::string::npos);
  auto part = source->state();
  part.front().first = "w.unknown";
  EXPECT_THROW(target->load_state(parameters, part, "o.safetensors"), FormatError);
}

TEST_P(OptimizerContract, FollowsResizing) {
  const auto optimizer = make();
  const auto layer = fixtures::layer_of({{"experts", Array{Table{{"kind", "mlp"}, {"hidden", 4}, {"count", 3}}}}});
  const auto named = [&] {
    NamedParameters all;
    for (const auto& parameter : layer->named_parameters())
      all.emplace_back("layers.0." + parameter.key(), parameter.value());
    return all;
  };
  const auto step = [&] {
    layer->zero_grad();
    layer->forward({fixtures::normal("x", {2, 4, 16}), {}, {}}, nullptr).y_BSO.pow(2).sum().backward();
    optimizer->step(named(), 0.01);
  };
  step();
  const auto added = add_expert(*layer, {.group = 0, .copy_of = {}});
  optimizer->remap("layers.0", added.changes);
  step();
  const auto removed = remove_expert(*layer, 1);
  optimizer->remap("layers.0", removed.changes);
  optimizer->keep_only(named());
  step();
  // Which checks that each belongs to a parameter that is there, and fits its shape.
  EXPECT_NO_THROW(make()->load_state(named(), optimizer->state(), "optimizer.safetensors"));
}

TEST(Optimizer, ANewExpertTakesTheMeanSecondMomentOfItsNeighbours) {
  const auto adamw = optimizers().make(Member(Table{{"kind", "adamw"}}));
  const NamedParameters gate = {{"layers.0.router.gate.weight", torch::zeros({2, 1}).requires_grad_()}};
  set_gradient(gate, torch::tensor({{1.0}, {3.0}}, torch::kFloat32));
  adamw->step(gate, 0.1);
  adamw->remap("layers.0", {{"router.gate.weight", 0, {0, -1, 1}}});
  for (const auto& [name, tensor] : adamw->state()) {
    // (1 - beta2) g^2 = 0.001 and 0.009; (1 - beta1) g = 0.1 and 0.3.
    if (name.ends_with("exp_avg_sq")) {
      EXPECT_TRUE(torch::allclose(tensor, torch::tensor({{0.001}, {0.005}, {0.009}}, torch::kFloat32)));
    }
    if (name.ends_with("exp_avg")) {
      EXPECT_TRUE(torch::allclose(tensor, torch::tensor({{0.1}, {0.0}, {0.3}}, torch::kFloat32)));
    }
  }
}

// The gradient's squares are {1, 4; 9, 16}: rows 2.5 and 12.5, columns 5 and 10, mean 7.5. After the bias correction of
// the first step V = {2.5 x 5, 2.5 x 10; 12.5 x 5, 12.5 x 10} / 7.5, and a weight moves by 0.1 g / sqrt(V).
TEST(AdamFactored, DividesAnExpertsGradientByRowsAndColumns) {
  const auto optimizer = optimizers().make(Member(Table{{"kind", "adam_factored"}}));
  const NamedParameters weight = {{"layers.0.experts.3.w1", torch::zeros({2, 2}, torch::kFloat64).requires_grad_()}};
  set_gradient(weight, torch::tensor({{1.0, 2.0}, {3.0, 4.0}}, torch::kFloat64));
  optimizer->step(weight, 0.1);
  const auto expected = torch::tensor({{-0.0774597, -0.1095445}, {-0.1039230, -0.0979796}}, torch::kFloat64);
  EXPECT_TRUE(torch::allclose(weight[0].second, expected, 0, 1e-6)) << weight[0].second;
  const auto state = optimizer->state();
  ASSERT_EQ(state.size(), 3U) << "no mean gradient, no matrix";
  // (1 - beta2) = 0.001 times the means.
  EXPECT_TRUE(torch::allclose(state[0].second, torch::tensor({0.005, 0.010}, torch::kFloat64))) << state[0].first;
  EXPECT_TRUE(torch::allclose(state[1].second, torch::tensor({0.0025, 0.0125}, torch::kFloat64))) << state[1].first;
}

TEST(AdamFactored, IsExactForARankOneSquareAndForVectors) {
  // |g| = r c: V = g^2, so the first step is 0.1 everywhere against the gradient's sign, as Adam's is.
  const auto optimizer = optimizers().make(Member(Table{{"kind", "adam_factored"}}));
  const NamedParameters parameters = {{"experts.0.w1", torch::zeros({2, 3}, torch::kFloat64).requires_grad_()},
                                      {"experts.0.b1", torch::zeros({3}, torch::kFloat64).requires_grad_()}};
  parameters[0].second.mutable_grad() = torch::tensor({{1.0, -2.0, 3.0}, {2.0, 4.0, -6.0}}, torch::kFloat64);
  parameters[1].second.mutable_grad() = torch::tensor({0.5, -7.0, 0.0}, torch::kFloat64);
  optimizer->step(parameters, 0.1);
  EXPECT_TRUE(torch::allclose(parameters[0].second,
                              torch::tensor({{-0.1, 0.1, -0.1}, {-0.1, -0.1, 0.1}}, torch::kFloat64), 0, 1e-8));
  EXPECT_TRUE(torch::allclose(parameters[1].second, torch::tensor({-0.1, 0.1, 0.0}, torch::kFloat64), 0, 1e-8));
}

TEST(AdamFactored, AnExpertWithoutTokensStaysWhereItIs) {
  const auto optimizer = optimizers().make(Member(Table{{"kind", "adam_factored"}}));
  const NamedParameters weight = {{"experts.0.w1", torch::ones({2, 3}).requires_grad_()}};
  optimizer->step(weight, 0.1);
  EXPECT_TRUE(torch::equal(weight[0].second, torch::ones({2, 3})));
}

TEST(AdamFactored, StepsOtherParametersAsAdamDoes) {
  const auto factored = optimizers().make(Member(Table{{"kind", "adam_factored"}}));
  const auto adam = optimizers().make(Member(Table{{"kind", "adam"}}));
  const auto a = one_parameter(torch::tensor({{3.0, -2.0}, {1.0, 0.5}})), b = one_parameter(a[0].second.detach());
  for (int i = 1; i < 4; ++i) {
    for (const auto& parameters : {a, b}) set_gradient(parameters, torch::tensor({{1.0 * i, -2.0}, {0.0, 0.5 / i}}));
    factored->step(a, 0.1);
    adam->step(b, 0.1);
  }
  EXPECT_TRUE(torch::equal(a[0].second, b[0].second));
}

TEST(AdamFactored, GoesOnFromSavedStateBitForBit) {
  const auto make = [] { return optimizers().make(Member(Table{{"kind", "adam_factored"}})); };
  const auto unbroken = make(), first = make(), second = make();
  const auto weight = torch::tensor({{3.0, -2.0}, {1.0, 0.5}});
  const NamedParameters a = {{"experts.0.w", weight.clone().requires_grad_()}},
                        b = {{"experts.0.w", weight.clone().requires_grad_()}};
  for (int i = 0; i < 6; ++i) {
    for (const auto& parameters : {a, b}) set_gradient(parameters, torch::tensor({{0.3 * i, 1.0}, {1.0 - i, 0.2}}));
    unbroken->step(a, 0.1);
    if (i == 3) second->load_state(b, first->state(), "optimizer.safetensors");
    (i < 3 ? first : second)->step(b, 0.1);
  }
  EXPECT_TRUE(torch::equal(a[0].second, b[0].second));
}

// Rows and columns of a tensor of shape [2 experts, 2, 2] after one gradient: g^2 = {1, 4; 9, 16} and {4, 4; 4, 4}.
TEST(AdamFactored, RowsAndColumnsFollowResizing) {
  const auto optimizer = optimizers().make(Member(Table{{"kind", "adam_factored"}}));
  const NamedParameters weight = {{"layers.0.experts.w", torch::zeros({2, 2, 2}).requires_grad_()}};
  set_gradient(weight, torch::tensor({1.0F, 2.0F, 3.0F, 4.0F, 2.0F, 2.0F, 2.0F, 2.0F}).view({2, 2, 2}));
  optimizer->step(weight, 0.1);
  const auto state = [&](const char* key) {
    for (const auto& [name, tensor] : optimizer->state()) {
      if (name.ends_with(key)) return tensor * 1000;
    }
    return torch::Tensor();
  };
  optimizer->remap("layers.0", {{"experts.w", 0, {1, -1, 0}}});
  EXPECT_TRUE(torch::allclose(state("_row"), torch::tensor({4.0F, 4.0F, 3.25F, 8.25F, 2.5F, 12.5F}).view({3, 2})));
  EXPECT_TRUE(torch::allclose(state("_column"), torch::tensor({4.0F, 4.0F, 4.5F, 7.0F, 5.0F, 10.0F}).view({3, 2})));
  optimizer->remap("layers.0", {{"experts.w", 1, {1}}});
  EXPECT_TRUE(torch::allclose(state("_row"), torch::tensor({{4.0F}, {8.25F}, {12.5F}})));
  EXPECT_EQ(state("_column").sizes(), (std::vector<int64_t>{3, 2})) << "it has no such axis";
  optimizer->remap("layers.0", {{"experts.w", 2, {1}}});
  EXPECT_TRUE(torch::allclose(state("_column"), torch::tensor({{4.0F}, {7.0F}, {10.0F}})));
}

// Six experts of whom a step reads one or two, now and then another one; each pulls its weights to a place of its own,
// while rates go up and down.
class Idle {
 public:
  Idle(Table settings, const char* idle_experts, torch::Dtype dtype) {
    settings.set("idle_experts", idle_experts);
    optimizer = optimizers().make(Member(settings));
    for (int e = 0; e < 6; ++e) {
      const std::string name = "layers.0.experts." + std::to_string(e) + ".w";
      targets.push_back(fixtures::normal(name, {40}).to(dtype));
      parameters.emplace_back(name, (3 * fixtures::normal(name + "0", {40})).to(dtype).requires_grad_());
    }
  }

  void step() {
    const double phase = 0.05 * static_cast<double>(num_steps);
    for (auto& parameter : parameters) parameter.second.mutable_grad() = torch::Tensor();
    std::vector<int64_t> read{num_steps % 3};
    if (num_steps % 11 == 5) read.push_back(3);
    if (num_steps % 90 == 60) read.push_back(4);  // and the last one never
    optimizer->catch_up("layers.0", read);
    for (const int64_t e : read) {
      auto& weight = parameters[static_cast<size_t>(e)].second;
      // As of a batch: not all of it is about the place. Without noise Adam enlarges the last digits of a small
      // gradient.
      const auto noise =
          RandomStream("idle").normal({static_cast<uint64_t>(e), static_cast<uint64_t>(num_steps)}, {40});
      weight.mutable_grad() = weight.detach() - targets[static_cast<size_t>(e)] + noise.to(weight.scalar_type());
    }
    optimizer->set_momentum(0.9 + 0.05 * std::sin(phase));
    optimizer->step(parameters, 0.01 * (1.1 + std::cos(phase)));
    ++num_steps;
  }

  std::shared_ptr<Optimizer> optimizer;
  NamedParameters parameters;
  std::vector<torch::Tensor> targets;
  int64_t num_steps = 0;
};

std::vector<Table> idle_kinds() {
  return {{{"kind", "adamw"}, {"weight_decay", 0.1}},
          {{"kind", "adamw"}, {"weight_decay", 0.0}, {"eps", 1e-3}},
          {{"kind", "adam"}},
          {{"kind", "adam"}, {"weight_decay", 0.01}},
          {{"kind", "adam_factored"}},
          {{"kind", "sgd"}, {"momentum", 0.9}, {"weight_decay", 0.01}},
          {{"kind", "sgd"}, {"momentum", 0.9}, {"nesterov", true}, {"weight_decay", 0.1}},
          {{"kind", "sgd"}, {"momentum", 0.9}}};
}

Idle after_400_steps(const Table& settings, const char* idle_experts, torch::Dtype dtype) {
  Idle run(settings, idle_experts, dtype);
  for (int i = 0; i < 400; ++i) run.step();
  EXPECT_EQ(run.optimizer->is_behind(), std::string(idle_experts) == "replay");
  run.optimizer->catch_up();
  EXPECT_FALSE(run.optimizer->is_behind());
  return run;
}

double difference(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a.detach() - b.detach()).to(torch::kFloat64).norm() / b.detach().norm()).item<double>();
}

// In float64 they are the same. In float32 each differs from that by its own rounding: 400 times 2^-24 in a random walk
// is 1e-6, and a sum of steps is rounded less often than steps are.
TEST(IdleExperts, ReplayedStepsAreTheStepsThatWereMissed) {
  for (const auto& settings : idle_kinds()) {
    SCOPED_TRACE(write_value(Value(settings)));
    const auto exact = after_400_steps(settings, "step", torch::kFloat64);
    const auto replayed = after_400_steps(settings, "replay", torch::kFloat64);
    const auto plain32 = after_400_steps(settings, "step", torch::kFloat32);
    const auto replayed32 = after_400_steps(settings, "replay", torch::kFloat32);
    double largest = 0, largest_plain = 0;
    for (size_t e = 0; e < exact.parameters.size(); ++e) {
      const auto& expected = exact.parameters[e].second;
      EXPECT_LE(difference(replayed.parameters[e].second, expected), 1e-12) << e;
      largest = std::max(largest, difference(replayed32.parameters[e].second, expected));
      largest_plain = std::max(largest_plain, difference(plain32.parameters[e].second, expected));
    }
    EXPECT_LE(largest, std::max(1e-6, 1.1 * largest_plain));
    const auto a = exact.optimizer->state(), b = replayed.optimizer->state();
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::allclose(a[i].second, b[i].second, 1e-9)) << a[i].first;
  }
}

TEST(IdleExperts, LeftOnesStayAsTheyAreAndCountTheirOwnSteps) {
  for (const auto& settings : idle_kinds()) {
    Idle left(settings, "leave", torch::kFloat64);
    const auto last = left.parameters[5].second.detach().clone(), fourth = left.parameters[4].second.detach().clone();
    for (int i = 0; i < 60; ++i) left.step();
    EXPECT_TRUE(torch::equal(left.parameters[5].second, last));
    EXPECT_TRUE(torch::equal(left.parameters[4].second, fourth));
    EXPECT_FALSE(left.optimizer->is_behind());
    left.step();  // the fourth's first
    EXPECT_FALSE(torch::equal(left.parameters[4].second, fourth));
    for (const auto& [name, value] : left.optimizer->state()) {
      EXPECT_EQ(name.find("experts.5"), std::string::npos) << name;
      if (name == "layers.0.experts.4.w.step") {
        EXPECT_EQ(value.item<float>(), 1);
      }
      if (name == "layers.0.experts.0.w.step") {
        EXPECT_EQ(value.item<float>(), 21);
      }
    }
  }
}

TEST(IdleExperts, ALookChangesNothingAndAResumedRunGoesOnBitForBit) {
  for (const auto& settings : idle_kinds()) {
    Idle unbroken(settings, "replay", torch::kFloat32), first(settings, "replay", torch::kFloat32),
        plain(settings, "step", torch::kFloat32), second(settings, "replay", torch::kFloat32);
    for (int i = 0; i < 80; ++i) unbroken.step();
    for (int i = 0; i < 37; ++i) first.step();
    for (int i = 0; i < 37; ++i) plain.step();
    {
      const CaughtUp shown(*first.optimizer);
      const torch::NoGradGuard no_grad;
      for (size_t e = 0; e < first.parameters.size(); ++e) {
        EXPECT_TRUE(torch::allclose(first.parameters[e].second, plain.parameters[e].second, 1e-5, 1e-6)) << e;
        second.parameters[e].second.copy_(first.parameters[e].second);
      }
      second.optimizer->load_state(second.parameters, first.optimizer->state(), "o.safetensors");
      second.num_steps = first.num_steps;
    }
    for (int i = 37; i < 80; ++i) {
      first.step();
      second.step();
    }
    for (size_t e = 0; e < first.parameters.size(); ++e) {
      EXPECT_TRUE(torch::equal(first.parameters[e].second, unbroken.parameters[e].second)) << e;
      EXPECT_TRUE(torch::equal(second.parameters[e].second, unbroken.parameters[e].second)) << e;
    }
  }
}

// Between a read and the step that follows it, state of the experts that were read may wait for that step. Whoever asks
// for it, or brings everything up to date, finds what `step` has; and an expert that gets no gradient in spite of
// having been read is stepped all the same.
TEST(IdleExperts, StateThatWaitsForItsStepIsSeenAsIfItDidNot) {
  for (const auto& settings : idle_kinds()) {
    SCOPED_TRACE(write_value(Value(settings)));
    Idle plain(settings, "step", torch::kFloat64), looked(settings, "replay", torch::kFloat64),
        caught(settings, "replay", torch::kFloat64), unread(settings, "replay", torch::kFloat64);
    for (auto* run : {&plain, &looked, &caught, &unread})
      for (int i = 0; i < 20; ++i) run->step();
    const auto expect_state = [&](Optimizer& optimizer) {
      std::map<std::string, torch::Tensor> state;
      for (const auto& [name, tensor] : optimizer.state()) state.emplace(name, tensor);
      for (const auto& [name, tensor] : plain.optimizer->state()) {
        if (state.contains(name.substr(0, name.rfind('.')) + ".idle_since")) continue;
        ASSERT_TRUE(state.contains(name));
        EXPECT_TRUE(torch::allclose(state.at(name), tensor, 1e-9)) << name;
      }
    };
    looked.optimizer->catch_up("layers.0", {0, 1, 2, 3});
    expect_state(*looked.optimizer);
    {
      const CaughtUp shown(*looked.optimizer);
      expect_state(*looked.optimizer);
    }
    caught.optimizer->catch_up("layers.0", {0, 3});
    caught.optimizer->catch_up();
    expect_state(*caught.optimizer);
    EXPECT_FALSE(caught.optimizer->is_behind());
    unread.optimizer->catch_up("layers.0", {3, 4});
    for (auto* run : {&plain, &looked, &caught, &unread}) {
      for (int i = 0; i < 20; ++i) run->step();
      run->optimizer->catch_up();
      for (size_t e = 0; e < 6; ++e)
        EXPECT_LE(difference(run->parameters[e].second, plain.parameters[e].second), 1e-12) << e;
      expect_state(*run->optimizer);
    }
  }
}

TEST(IdleExperts, RefusesStateThatDoesNotFit) {
  Idle source({{"kind", "adamw"}}, "replay", torch::kFloat32), target({{"kind", "adamw"}}, "replay", torch::kFloat32);
  for (int i = 0; i < 3; ++i) source.step();
  auto state = source.optimizer->state();
  std::erase_if(state, [](const auto& entry) { return entry.first == "missed_steps"; });
  EXPECT_EQ(fixtures::message_of<FormatError>(
                [&] { target.optimizer->load_state(target.parameters, state, "o.safetensors"); }),
            "o.safetensors: layers.0.experts.0.w: the steps that it missed do not fit");
  state.emplace_back("missed_steps", torch::zeros({3}));
  EXPECT_EQ(fixtures::message_of<FormatError>(
                [&] { target.optimizer->load_state(target.parameters, state, "o.safetensors"); }),
            "o.safetensors: missed_steps: expected float64 [steps, 2]");
}

TEST(IdleExperts, OneThatIsFrozenIsBroughtUpToDateFirst) {
  Idle plain({{"kind", "adamw"}}, "step", torch::kFloat64), replayed({{"kind", "adamw"}}, "replay", torch::kFloat64);
  for (auto* each : {&plain, &replayed}) {
    for (int i = 0; i < 20; ++i) each->step();
    each->parameters[5].second.set_requires_grad(false);
    for (int i = 0; i < 5; ++i) each->step();
  }
  EXPECT_TRUE(torch::allclose(plain.parameters[5].second, replayed.parameters[5].second, 1e-12));
}

// Three steps printed by PyTorch 2.13 in float64, with lr 0.1 and weight_decay 0.1.
void expect_steps(Table settings, const std::vector<std::vector<double>>& golden) {
  settings.set("weight_decay", 0.1);
  const auto optimizer = optimizers().make(Member(settings));
  const auto parameters = one_parameter(torch::tensor({1.0, -2.0, 3.0}, torch::kFloat64));
  const std::vector<torch::Tensor> gradients = {torch::tensor({.5, -1., 2.}, torch::kFloat64),
                                                torch::tensor({1., 1., -1.}, torch::kFloat64),
                                                torch::zeros({3}, torch::kFloat64)};
  for (size_t i = 0; i < golden.size(); ++i) {
    set_gradient(parameters, gradients[i]);
    optimizer->step(parameters, 0.1);
    EXPECT_TRUE(torch::allclose(parameters[0].second, torch::tensor(golden[i], torch::kFloat64), 1e-12, 1e-12)) << i;
  }
}

TEST(AdamW, IsTheFrameworks) {
  expect_steps({{"kind", "adamw"}}, {{0.890000002, -1.880000001, 2.8700000004999997},
                                     {0.7845818006185094, -1.8664631588321052, 2.814666296697431},
                                     {0.7021271334324082, -1.851866963500848, 2.765931703531467}});
}

// Worked through in plain floating point; the same lines with the decay apart give the framework's AdamW above.
TEST(Adam, FollowsItsAlgorithm) {
  expect_steps({{"kind", "adam"}}, {{0.9000000016666666, -1.9000000008333333, 2.9000000004347823},
                                    {0.8025029703202308, -1.8861177532216595, 2.857937309376665},
                                    {0.7231797378650253, -1.8672175113639382, 2.8181111071242606}});
}

TEST(Sgd, IsTheFrameworks) {
  expect_steps({{"kind", "sgd"}, {"momentum", 0.9}},
               {{0.94, -1.88, 2.77}, {0.7766, -1.8532, 2.6353}, {0.6217739999999999, -1.810548, 2.487717}});
  expect_steps(
      {{"kind", "sgd"}, {"momentum", 0.9}, {"nesterov", true}},
      {{0.886, -1.772, 2.563}, {0.630566, -1.831132, 2.518003}, {0.486668646, -1.775507292, 2.3627306430000004}});
}

TEST(ClipGradients, ScalesToTheLimitAndReportsTheNorm) {
  const NamedParameters parameters = {{"a", torch::zeros({2}).requires_grad_()},
                                      {"b", torch::zeros({1}).requires_grad_()},
                                      {"c", torch::zeros({1}).requires_grad_()}};
  parameters[0].second.mutable_grad() = torch::tensor({2.0F, 3.0F});
  parameters[1].second.mutable_grad() = torch::tensor({6.0F});
  EXPECT_NEAR(clip_gradients(parameters, 0), 7, 1e-6) << "sqrt(4 + 9 + 36)";
  EXPECT_EQ(parameters[1].second.grad().item<float>(), 6.0F) << "no limit";
  EXPECT_NEAR(clip_gradients(parameters, 3.5), 7, 1e-6);
  EXPECT_NEAR(parameters[1].second.grad().item<double>(), 3, 1e-5);
  EXPECT_EQ(clip_gradients({}, 1), 0);
}

}  // namespace
}  // namespace heterodyne::optimizer_test
