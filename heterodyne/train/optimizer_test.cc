// The promises of optimizer.h, kept by every kind, and each kind's own numbers.
#include "heterodyne/train/optimizer.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne {
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
  const auto parameters = named();
  for (const auto& [name, tensor] : optimizer->state()) {
    const std::string owner = name.substr(0, name.rfind('.'));
    const auto found =
        std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.first == owner; });
    ASSERT_NE(found, parameters.end()) << owner << " is gone but not forgotten";
    if (tensor.dim() > 0) {
      EXPECT_EQ(tensor.sizes(), found->second.sizes()) << name;
    }
  }
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
}  // namespace heterodyne
