// What users of such libraries ask for most, each by a test of its name; those that need the whole program are in
// tests/end_to_end/user_asks_test.py.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <limits>

#include "heterodyne/base/config.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne {
namespace {

const auto kProbabilities = torch::tensor({{.7, .2, .1}, {.5, .3, .2}, {.1, .8, .1}, {.6, .1, .3}}, torch::kFloat64);

Routing routing_of(const torch::Tensor& prob_TE, const torch::Tensor& logit_TE, int64_t k,
                   const torch::Tensor& mask_T = {}) {
  const auto [weight_TK, expert_TK] = prob_TE.topk(k, -1);
  const RouteInput input{prob_TE, 1, prob_TE.size(0), mask_T, {}, {true, true}};
  return make_routing({expert_TK, weight_TK, prob_TE, logit_TE}, input, prob_TE.size(1));
}

torch::Tensor loss_of(const Table& balancer, const Routing& routing) {
  BalanceInput input(routing);
  input.embedding_EP = fixtures::normal("embeddings", {routing.num_experts(), 6});  // for kinds that read them
  return balancers().make(Member(balancer))->loss(input);
}

// 5: the same layer, each time with another rule for how many experts a token gets. With the identity as its gate the
// logits are the tokens. Of the six tokens below, one expert has nearly all of the probability of the first, two have
// half of the second's each, four a quarter of the third's, eight an eighth of the others'.
TEST(UserAsk5ExpertsPerTokenAtRunTime, OneLayerAnswersEveryRequest) {
  const Table experts{{"kind", "mlp"}, {"hidden", 8}, {"count", 8}};
  const auto layer =
      fixtures::layer_of({{"experts", Array{experts}}, {"router", Table{{"kind", "top_k"}, {"k", 2}}}}, 8);
  layer->eval();
  const torch::NoGradGuard no_grad;
  layer->router().named_parameters()["gate.weight"].copy_(torch::eye(8));
  auto x_BSD = torch::zeros({1, 6, 8});
  for (const int64_t e : {0}) x_BSD[0][0][e] = 40;
  for (const int64_t e : {1, 3}) x_BSD[0][1][e] = 40;
  for (const int64_t e : {0, 2, 4, 6}) x_BSD[0][2][e] = 40;
  const auto mean_k = [&](const RouteOverride& route) {
    RoutingLog log;
    MoeInput input{x_BSD, {}, {3, 5}};
    input.override = route;
    EXPECT_TRUE(torch::isfinite(layer->forward(input, &log).y_BSO).all().item<bool>());
    return log.layers.front().tokens_per_expert_E.sum().item<double>() / 6;
  };
  EXPECT_EQ(mean_k({}), 2);
  for (const int64_t k : {1, 2, 4, 8}) EXPECT_EQ(mean_k({.k = k}), static_cast<double>(k));
  EXPECT_NEAR(mean_k({.min_p = 0.5}), (1 + 2 + 4 + 8 + 8 + 8) / 6.0, 1e-9);
  EXPECT_NEAR(mean_k({.threshold = 0.2}), (1 + 2 + 4) / 6.0, 1e-9);  // three tokens get none
  EXPECT_NEAR(mean_k({.threshold = 0.6}), 1 / 6.0, 1e-9);
}

// 8: f = (.75, .25, 0) and P = (.475, .35, .175) give 3 sum f P = 1.33125; the log-sum-exp of (2, .5, -1) and
// (.1, .2, .3) are 2.241311 and 1.301943, their mean square 3.359266.
TEST(UserAsk8TrustworthyLosses, EachLossEqualsItsHandWorkedValue) {
  EXPECT_NEAR(
      loss_of({{"kind", "switch_loss"}, {"normalize", "by_k"}}, routing_of(kProbabilities, {}, 1)).item<double>(),
      1.33125, 1e-6);
  const auto logit_TE = torch::tensor({{2., .5, -1.}, {.1, .2, .3}}, torch::kFloat64);
  EXPECT_NEAR(loss_of({{"kind", "z_loss"}}, routing_of(logit_TE.softmax(-1), logit_TE, 1)).item<double>(), 3.359266,
              1e-6);
}

TEST(UserAsk8TrustworthyLosses, PaddingChangesNothing) {
  const auto logit_TE = fixtures::normal("l", {20, 5});
  const auto padded = torch::cat({logit_TE, torch::full({9, 5}, std::numeric_limits<float>::quiet_NaN())});
  const auto mask_T = torch::arange(29) < 20;
  for (const auto& kind : balancers().names()) {
    const auto loss = loss_of({{"kind", kind}}, routing_of(logit_TE.softmax(-1), logit_TE, 2));
    if (!loss.defined()) continue;  // acts between steps and has no loss
    const double alone = loss.item<double>();
    const double with_padding =
        loss_of({{"kind", kind}}, routing_of(padded.softmax(-1), padded, 2, mask_T)).item<double>();
    EXPECT_NEAR(with_padding, alone, 1e-6 * std::abs(alone)) << kind;
  }
}

// Two layers have a loss each, and the one's has no gradient to the other's router.
TEST(UserAsk8TrustworthyLosses, LayersNeverMix) {
  const auto first = fixtures::layer_of({{"balancers", Array{Table{{"kind", "switch_loss"}}}}});
  const auto second = fixtures::layer_of({{"balancers", Array{Table{{"kind", "switch_loss"}}}}});
  const auto x_BSD = fixtures::normal("x", {3, 5, 16});
  const auto a = first->forward({x_BSD, {}, {3, 5}}, nullptr);
  const auto b = second->forward({a.y_BSO.detach(), {}, {3, 5}}, nullptr);
  ASSERT_EQ(a.losses.size(), 1U);
  ASSERT_EQ(b.losses.size(), 1U);
  b.losses[0].second.backward();
  for (const auto& parameter : first->parameters()) EXPECT_FALSE(parameter.grad().defined());
  double gradient = 0;
  for (const auto& parameter : second->router().parameters()) gradient += parameter.grad().abs().sum().item<double>();
  EXPECT_GT(gradient, 0);
}

TEST(UserAsk8TrustworthyLosses, AWeightThatIsNotAppliedIsAnError) {
  const auto config = [](const std::string& moe) {
    return parse_toml(
        "name = \"x\"\ndata = { kind = \"synthetic\" }\nmodel = { kind = \"dmmoe\", moe = " + moe + " }\n", "x.toml");
  };
  const auto message = [&](const std::string& moe) {
    return fixtures::message_of<ConfigError>([&] { make_network(read_experiment(config(moe))); });
  };
  EXPECT_NE(message("{ layers = [], balancers = [{ kind = \"switch_loss\", weight = 0.1 }] }").find("has no effect"),
            std::string::npos);
}

TEST(UserAsk9NoInstability, PerfectBalanceHasAFiniteGradient) {
  for (const auto& kind : balancers().names()) {
    const auto logit_TE = torch::zeros({4, 4}).requires_grad_();
    const auto loss = loss_of({{"kind", kind}}, routing_of(logit_TE.softmax(-1), logit_TE, 2));
    // One that acts between steps has no loss; counts of chosen experts have no gradient.
    if (!loss.defined() || !loss.requires_grad()) continue;
    EXPECT_TRUE(torch::isfinite(torch::autograd::grad({loss}, {logit_TE})[0]).all().item<bool>()) << kind;
  }
}

TEST(UserAsk9NoInstability, ARowOfNaNIsAnErrorThatNamesLayerAndToken) {
  const auto layer = fixtures::layer_of({});
  auto x_BSD = fixtures::normal("x", {2, 5, 16}).clone();
  x_BSD[1][2].fill_(std::numeric_limits<float>::quiet_NaN());
  const auto text = fixtures::message_of<Error>([&] { layer->forward({x_BSD, {}, {3, 5}}, nullptr); });
  EXPECT_NE(text.find("[layers.0.router]"), std::string::npos) << text;
  EXPECT_NE(text.find("token 7"), std::string::npos) << text;
  EXPECT_EQ(text.find("expert"), std::string::npos) << text;
}

TEST(UserAsk10SameSeedSameResult, EqualLogitsGiveEqualPlansForAnyNumberOfThreads) {
  const auto x_TD = fixtures::normal("x", {4096, 16});
  const auto plan_with = [&](int threads, const std::string& kind) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    const auto router = routers().make(Member(Table{{"kind", kind}}), fixtures::router_context(16, 8));
    const auto plan = router->route(fixtures::route_input(x_TD)).plan;
    at::set_num_threads(before);
    return plan;
  };
  for (const auto& kind : routers().names()) {
    const auto one = plan_with(1, kind);
    for (const int threads : {2, 3, 8}) {
      const auto many = plan_with(threads, kind);
      EXPECT_TRUE(torch::equal(one.token_N, many.token_N)) << kind << " with " << threads << " threads";
      EXPECT_TRUE(torch::equal(one.expert_N, many.expert_N)) << kind << " with " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace heterodyne
