#include "heterodyne/layer/module_expert.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::module_expert_test {
namespace {

constexpr int64_t D = 6;

struct SequentialOptions {
  int64_t hidden = 8;
  void visit(Fields& field) { field("hidden", hidden, "hidden width", at_least(1)); }
};

std::shared_ptr<Expert> make_sequential(const SequentialOptions& options, const ExpertContext& context) {
  const int64_t O = context.output_width, F = options.hidden;
  torch::nn::Sequential module(torch::nn::LayerNorm(torch::nn::LayerNormOptions({context.width})),
                               torch::nn::Linear(context.width, F), torch::nn::Tanh(), torch::nn::Linear(F, O));
  draw_from_streams(*module, context.init);
  return module_expert(context, module.ptr(), static_cast<double>((context.width + O) * F));
}

ExpertRegistry with_sequential() {
  auto mine = experts();
  mine.add("sequential", module_expert_kind<SequentialOptions>("a sequence of LibTorch's modules", make_sequential));
  return mine;
}

std::shared_ptr<Expert> sequential(uint64_t seed, int64_t output_width = D) {
  return with_sequential().make(Member(Table{{"kind", "sequential"}, {"hidden", 4}}),
                                ExpertContext{D, output_width, 0, {seed, "e"}});
}

ExpertInput rows(const torch::Tensor& x_ND) { return {x_ND, torch::arange(x_ND.size(0)), x_ND.unsqueeze(0), {}, {}}; }

TEST(ModuleExpert, AnswersAsTheModuleDoes) {
  const auto expert = sequential(7);
  const auto x = fixtures::normal("x", {9, D});
  const auto p = expert->named_parameters();
  const auto normed = (x - x.mean(1, true)) / (x.var(1, false, true) + 1e-5).sqrt();
  const auto expected = torch::matmul(torch::matmul(normed, p["module.1.weight"].t()).tanh(), p["module.3.weight"].t());
  EXPECT_TRUE(torch::allclose(expert->forward(rows(x)), expected, 1e-5, 1e-6));
  EXPECT_EQ(expert->cost({2, 2, 1}).routed.macs, 2 * (D + D) * 4);
  EXPECT_EQ(expert->cost({2, 2, 1}).routed.params, 2 * D + (D + 1) * 4 + (4 + 1) * D);
}

TEST(ModuleExpert, TheSeedDecidesInitialValues) {
  const auto one = sequential(7)->named_parameters(), same = sequential(7)->named_parameters(),
             other = sequential(8)->named_parameters();
  for (const auto& parameter : one) EXPECT_TRUE(torch::equal(parameter.value(), same[parameter.key()]));
  EXPECT_FALSE(torch::equal(one["module.1.weight"], other["module.1.weight"]));
  EXPECT_TRUE(torch::equal(one["module.0.weight"], torch::ones({D})));
  EXPECT_EQ(one["module.3.bias"].abs().sum().item<double>(), 0);
}

TEST(ModuleExpert, TrainsInALayerBesideBuiltInKinds) {
  const auto mine = with_sequential();
  const Table written{{"experts", Array{Table{{"kind", "sequential"}, {"count", 2}}, Table{{"kind", "mlp"}}}}};
  const auto options = read_options<MoeOptions>(written, {"moe", "moe", Families().with(mine)});
  MoeLayer layer(options, MoeContext{D, D, {7, "layers.0"}});
  const auto x_BSD = fixtures::normal("x", {4, 5, D});
  layer.forward({x_BSD, {}, {3, 5}}, nullptr).y_BSO.pow(2).sum().backward();
  EXPECT_GT(layer.named_parameters()["experts.0.module.1.weight"].grad().abs().sum().item<double>(), 0);
}

TEST(ModuleExpert, AnAnswerOfTheWrongWidthIsNamed) {
  const ExpertContext context{D, 5, 0, {7, "e"}};
  const auto expert = module_expert(context, torch::nn::Linear(D, 4).ptr(), 24);
  EXPECT_EQ(fixtures::message_of<ShapeError>([&] { expert->forward(rows(torch::zeros({2, D}))); }),
            "[e module] answer: expected [N = 2, O = 5], got [2, 4]");
  EXPECT_THROW(expert->forward(rows(torch::zeros({2, D + 1}))), ShapeError);
}

}  // namespace
}  // namespace heterodyne::module_expert_test
