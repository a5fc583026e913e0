#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::hierarchical_test {
namespace {

constexpr int64_t kWidth = 5, kGroups = 3, kPerGroup = 4;

std::shared_ptr<Router> make(Table settings = {}, int64_t width = kWidth) {
  if (!settings.contains("groups")) {
    settings.set("groups", kGroups);
    settings.set("experts_per_group", kPerGroup);
  }
  settings.set("kind", "hierarchical");
  const auto router = routers().make(Member(settings), fixtures::router_context(width, kGroups * kPerGroup));
  const torch::NoGradGuard no_grad;
  for (auto& parameter : router->named_parameters())
    parameter.value().copy_(fixtures::normal(parameter.key(), parameter.value().sizes()));
  return router;
}

torch::Tensor matrix(Router& router, const std::string& name) {
  return router.named_parameters()[name + ".weight"].detach().to(torch::kFloat64);
}

// What the router computes, token by token, in scalars: appendix B of the paper, equations 12 and 14.
struct Reference {
  torch::Tensor weight_TE, load_E;
};

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

// The k best of `noisy`, what they weigh, and for each entry the probability that it is among them.
struct Kept {
  std::vector<double> weight, probability;
};
Kept keep(const std::vector<double>& clean, const std::vector<double>& std, const std::vector<double>& draw, size_t k) {
  const size_t n = clean.size();
  std::vector<double> noisy(n);
  for (size_t i = 0; i < n; ++i) noisy[i] = clean[i] + std[i] * draw[i];
  Kept kept{std::vector<double>(n), std::vector<double>(n)};
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    std::multiset<double, std::greater<>> others(noisy.begin(), noisy.end());
    others.erase(others.find(noisy[i]));
    const double threshold = k == n ? -1e300 : *std::next(others.begin(), static_cast<int64_t>(k) - 1);
    kept.probability[i] = k == n ? 1 : normal_cdf((clean[i] - threshold) / std[i]);
    if (noisy[i] > threshold) sum += kept.weight[i] = std::exp(noisy[i]);
  }
  for (double& weight : kept.weight) weight /= sum;
  return kept;
}

std::vector<double> values(const torch::Tensor& row) {
  const auto flat = row.to(torch::kFloat64).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

Reference reference(Router& router, const RouteInput& input, size_t k_groups, size_t k_experts) {
  const int64_t T = input.x_TD.size(0), E = kGroups * kPerGroup;
  const auto x = input.x_TD.to(torch::kFloat64);
  const auto clean_TG = x.matmul(matrix(router, "group_gate").t());
  const auto std_TG = torch::softplus(x.matmul(matrix(router, "group_noise").t()));
  const auto clean_TE = x.matmul(matrix(router, "expert_gate").t());
  const auto std_TE = torch::softplus(x.matmul(matrix(router, "expert_noise").t()));
  const std::string stream = "noise.layers.0.router";
  const auto row_T = draw_row_of(input);
  const auto draw_TG = RandomStream(stream).normal_rows(input.random, row_T, kGroups);
  auto weight_TE = torch::zeros({T, E}, torch::kFloat64), load_GM = torch::zeros({kGroups, kPerGroup}, torch::kFloat64);
  auto group_load_G = torch::zeros({kGroups}, torch::kFloat64), size_G = torch::zeros({kGroups}, torch::kFloat64);
  for (int64_t t = 0; t < T; ++t) {
    const auto groups = keep(values(clean_TG[t]), values(std_TG[t]), values(draw_TG[t]), k_groups);
    for (int64_t g = 0; g < kGroups; ++g) {
      group_load_G[g] += groups.probability[static_cast<size_t>(g)];
      if (groups.weight[static_cast<size_t>(g)] == 0) continue;
      size_G[g] += 1;
      const auto draw = RandomStream(stream + "." + std::to_string(g)).normal_rows(input.random, row_T, kPerGroup);
      const auto mine = [&](const torch::Tensor& all) { return values(all[t].narrow(0, g * kPerGroup, kPerGroup)); };
      const auto experts = keep(mine(clean_TE), mine(std_TE), values(draw[t]), k_experts);
      for (int64_t m = 0; m < kPerGroup; ++m) {
        load_GM[g][m] += experts.probability[static_cast<size_t>(m)];
        weight_TE[t][g * kPerGroup + m] =
            groups.weight[static_cast<size_t>(g)] * experts.weight[static_cast<size_t>(m)];
      }
    }
  }
  return {weight_TE, (group_load_G / size_G.clamp_min(1)).unsqueeze(1).mul(load_GM).reshape(-1)};
}

TEST(HierarchicalRouter, EqualsTheEquationsTokenByToken) {
  for (const auto& [k_groups, k_experts] : {std::pair<int64_t, int64_t>{2, 2}, {1, 3}, {3, 1}, {2, 4}}) {
    const auto router = make({{"k_groups", k_groups}, {"k_experts", k_experts}});
    const auto input = fixtures::route_input(fixtures::normal("x", {30, kWidth}));
    const auto routing = router->route(input);
    const auto expected = reference(*router, input, static_cast<size_t>(k_groups), static_cast<size_t>(k_experts));
    const auto weight_TE = fixtures::weights_of(routing).to(torch::kFloat64);
    EXPECT_TRUE(torch::allclose(weight_TE, expected.weight_TE, 1e-4, 1e-5)) << k_groups << " " << k_experts;
    EXPECT_TRUE(torch::allclose(routing.load_E.to(torch::kFloat64), expected.load_E, 1e-4, 1e-4));
    EXPECT_TRUE(torch::allclose(weight_TE.sum(1), torch::ones({30}, torch::kFloat64), 1e-5, 1e-5));
    EXPECT_EQ(routing.num_pairs(), 30 * k_groups * k_experts);
  }
}

// The product of both softmax equals one softmax over all experts when a group's logit is the log-sum-exp of those of
// its experts. Tokens are unit vectors, so that the gates' columns are their logits.
TEST(HierarchicalRouter, TheDenseGateEqualsAFlatSoftmax) {
  const Table dense{{"k_groups", kGroups},
                    {"k_experts", kPerGroup},
                    {"level", "top_k"},
                    {"groups", kGroups},
                    {"experts_per_group", kPerGroup}};
  const auto router = make(dense);
  auto parameters = router->named_parameters();
  const auto logit_DE = parameters["expert_gate.weight"].detach().t().contiguous();
  {
    const torch::NoGradGuard no_grad;
    const auto sum_DG = logit_DE.view({kWidth, kGroups, kPerGroup}).logsumexp(2);
    parameters["group_gate.weight"].copy_(sum_DG.t());
  }
  const auto routing = router->route(fixtures::route_input(torch::eye(kWidth)));
  EXPECT_TRUE(torch::allclose(fixtures::weights_of(routing), logit_DE.softmax(1), 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(routing.prob_TE.detach(), logit_DE.softmax(1), 1e-5, 1e-6));
}

// Sum over the experts of a group of Load_H = load of the group x (sum of the loads in it) / (tokens that chose it).
TEST(HierarchicalRouter, LoadsOfExpertsAddUpToThoseOfGroups) {
  const auto router = make({{"k_experts", kPerGroup}});
  const auto routing = router->route(fixtures::route_input(fixtures::normal("x", {30, kWidth})));
  const auto load_G = routing.load_E.detach().to(torch::kFloat64).view({kGroups, kPerGroup}).sum(1);
  EXPECT_TRUE(torch::allclose(load_G, routing.sums.at("group_load_G") * kPerGroup, 1e-5, 1e-5))
      << "each token that chose a group loads all its experts";
  const auto importance_G = routing.sums.at("importance_E").view({kGroups, kPerGroup}).sum(1);
  EXPECT_TRUE(torch::allclose(importance_G, routing.sums.at("group_importance_G"), 1e-5, 1e-5));
  EXPECT_EQ(routing.sums.at("group_assignments_G").sum().item<double>(), 60);
}

TEST(HierarchicalRouter, LoadsHaveAGradientToBothLevels) {
  const auto router = make();
  const auto routing = router->route(fixtures::route_input(fixtures::normal("x", {30, kWidth})));
  const auto loss = routing.load_E.pow(2).sum();
  for (const auto& gradient : torch::autograd::grad({loss}, router->parameters()))
    EXPECT_GT(gradient.abs().max().item<double>(), 0.01);
}

TEST(HierarchicalRouter, InEvalModeLoadsAreCounts) {
  const auto router = make();
  router->eval();
  auto input = fixtures::route_input(fixtures::normal("x", {30, kWidth}));
  input.mask_T = torch::arange(30) % 4 != 0;
  const auto routing = router->route(input);
  EXPECT_TRUE(torch::allclose(routing.load_E, routing.plan.tokens_per_expert_E.to(torch::kFloat32)));
}

TEST(HierarchicalRouter, AGroupThatNobodyChoseHasNoLoad) {
  const auto router = make({{"k_groups", 1}});
  const auto routing = router->route(fixtures::route_input(fixtures::normal("x", {1, kWidth})));
  const auto load_GM = routing.load_E.view({kGroups, kPerGroup});
  EXPECT_TRUE(torch::isfinite(load_GM).all().item<bool>());
  EXPECT_EQ((load_GM.sum(1) > 0).sum().item<int64_t>(), 1);
}

TEST(HierarchicalRouter, ATokensBestPairComesFirst) {
  const auto routing = make()->route(fixtures::route_input(fixtures::normal("x", {30, kWidth})));
  const auto first_N = routing.plan.choice_N == 0;
  EXPECT_TRUE(torch::allclose(routing.weight_N.index({first_N}).sum(),
                              std::get<0>(fixtures::weights_of(routing).max(1)).sum()));
}

TEST(HierarchicalRouter, ChoosesItsGroupsByTheNumberOfExperts) {
  const auto num_groups = [](int64_t num_experts, Table settings) {
    settings.set("kind", "hierarchical");
    const auto router = routers().make(Member(settings), fixtures::router_context(4, num_experts));
    return router->named_parameters()["group_gate.weight"].size(0);
  };
  EXPECT_EQ(num_groups(12, {}), 3);
  EXPECT_EQ(num_groups(16, {}), 4);
  EXPECT_EQ(num_groups(12, {{"groups", 2}}), 2);
  EXPECT_EQ(num_groups(12, {{"experts_per_group", 2}}), 6);
}

TEST(HierarchicalRouter, RefusesGroupsThatDoNotFit) {
  const auto refusal = [](Table settings) {
    settings.set("kind", "hierarchical");
    Member choice(settings);
    choice.path = "model.moe.router";
    return fixtures::message_of<ConfigError>([&] { routers().make(choice, fixtures::router_context(4, 8)); });
  };
  EXPECT_EQ(refusal({{"groups", 4}, {"experts_per_group", 3}}),
            "[model.moe.router] groups x experts_per_group: expected num_experts = 8, got 4 x 3 = 12");
  EXPECT_EQ(refusal({{"groups", 3}}),
            "[model.moe.router] groups x experts_per_group: expected num_experts = 8, got 3 x 2 = 6");
  EXPECT_EQ(refusal({{"groups", 100}}),
            "[model.moe.router] groups x experts_per_group: expected num_experts = 8, got 100 x 0 = 0");
  EXPECT_NE(refusal({{"k_groups", 3}}).find("k_groups: expected at most groups = 2, got 3"), std::string::npos);
  EXPECT_NE(refusal({{"k_experts", 5}}).find("k_experts: expected at most experts_per_group = 4, got 5"),
            std::string::npos);
  EXPECT_NE(refusal({{"level", "top_k"}, {"noise_floor", 0.01}}).find("noise_floor: has no effect"), std::string::npos);
}

}  // namespace
}  // namespace heterodyne::hierarchical_test
