#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::capacity_test {
namespace {

std::shared_ptr<Dispatcher> capacity(Table settings) {
  settings.set("kind", "capacity");
  return dispatchers().make(Member(settings));
}

Routing routing_of(const torch::Tensor& expert_TK, const torch::Tensor& weight_TK, int64_t num_experts) {
  const int64_t T = expert_TK.size(0);
  return make_routing({expert_TK, weight_TK, {}, {}}, {torch::zeros({T, 1}), 1, T, {}, {}, {}}, num_experts);
}

AdmitContext in_training(uint64_t step = 5) { return {"layers.0", {3, step}, true}; }

using Pairs = std::set<std::pair<int64_t, int64_t>>;

// Tokens and their experts.
Pairs pairs_of(const Routing& routing) {
  Pairs all;
  for (int64_t p = 0; p < routing.num_pairs(); ++p) {
    all.emplace(routing.plan.token_N[p].item<int64_t>(), routing.plan.expert_N[p].item<int64_t>());
  }
  return all;
}

// Six pairs on two experts, room for ceil(1 x 6 / 2) = 3: expert 0 is wanted by tokens 0 and 1 second, by 2 and 3
// first.
Routing crowded() {
  const auto expert_TK = torch::tensor({{1, 0}, {1, 0}, {0, -1}, {0, -1}}, torch::kInt64);
  const auto weight_TK = torch::tensor({{.7, .2}, {.6, .4}, {.1, 0.}, {.3, 0.}});
  return routing_of(expert_TK, weight_TK, 2);
}

TEST(CapacityDispatcher, FirstChoicesGoBeforeSecondOnes) {
  const auto kept = capacity({{"factor", 1}})->admit(crowded(), in_training());
  EXPECT_EQ(pairs_of(kept), (Pairs{{0, 1}, {1, 1}, {2, 0}, {3, 0}, {0, 0}}));
  EXPECT_EQ(kept.num_dropped, 1);
}

TEST(CapacityDispatcher, TheLowestWeightIsLeftOut) {
  const auto kept = capacity({{"factor", 1}, {"drop", "probability"}})->admit(crowded(), in_training());
  EXPECT_EQ(pairs_of(kept), (Pairs{{0, 1}, {1, 1}, {2, 0}, {3, 0}, {1, 0}})) << "token 1 gives expert 0 more weight";
  // Room for one at each: tokens 0 and 3 weigh most among the first choices.
  const auto few = capacity({{"factor", 0.1}, {"drop", "probability"}})->admit(crowded(), in_training());
  EXPECT_EQ(pairs_of(few), (Pairs{{0, 1}, {3, 0}}));
  EXPECT_EQ(few.num_dropped, 4);
}

TEST(CapacityDispatcher, RandomDropsDifferByStepAndLayer) {
  const auto expert_TK = torch::zeros({64, 1}, torch::kInt64);
  const auto routing = routing_of(expert_TK, torch::ones({64, 1}), 2);
  const auto dispatcher = capacity({{"factor", 1}, {"drop", "random"}});
  const auto kept = [&](const AdmitContext& context) { return pairs_of(dispatcher->admit(routing, context)); };
  EXPECT_EQ(kept(in_training()).size(), 32U);
  EXPECT_EQ(kept(in_training()), kept(in_training()));
  EXPECT_NE(kept(in_training()), kept(in_training(6)));
  EXPECT_NE(kept(in_training()), kept({"layers.1", {3, 5}, true}));
}

TEST(CapacityDispatcher, WeightsOfTheOthersStay) {
  const auto kept = capacity({{"factor", 1}})->admit(crowded(), in_training());
  EXPECT_TRUE(torch::allclose(kept.weight_N, torch::tensor({.2, .1, .3, .7, .6}, torch::kFloat32)));
}

TEST(CapacityDispatcher, EvaluationHasARoomOfItsOwn) {
  const AdmitContext evaluation{"layers.0", {3, 0}, false};
  EXPECT_EQ(capacity({{"factor", 0.5}})->admit(crowded(), evaluation).num_dropped, 0);
  EXPECT_EQ(capacity({{"factor", 9}, {"eval_factor", 1}})->admit(crowded(), evaluation).num_dropped, 1);
}

TEST(CapacityDispatcher, TheMinimumHolds) {
  EXPECT_EQ(capacity({{"factor", 0.1}, {"minimum", 4}})->admit(crowded(), in_training()).num_dropped, 0);
  EXPECT_EQ(capacity({{"factor", 0.1}, {"minimum", 2}})->admit(crowded(), in_training()).num_dropped, 2);
}

TEST(CapacityDispatcher, BadSettingsAreRefused) {
  for (const double factor : {0.0, -1.0}) {
    EXPECT_THROW(capacity({{"factor", factor}}), ConfigError);
  }
  EXPECT_THROW(capacity({{"drop", "last"}}), ConfigError);
  EXPECT_EQ(fixtures::message_of<ConfigError>([] {
              dispatchers().make(Member(Table{{"kind", "checked"}, {"second", Table{{"kind", "capacity"}}}}));
            }),
            "[dispatcher.checked] second: expected a dispatcher that drops nothing, got \"capacity\"; put this one "
            "inside it: { kind = \"capacity\", inner = { kind = \"checked\" } }");
}

TEST(CapacityDispatcher, NoTokensAndNoPairs) {
  const auto none = routing_of(torch::zeros({0, 2}, torch::kInt64), torch::zeros({0, 2}), 3);
  EXPECT_EQ(capacity({})->admit(none, in_training()).num_pairs(), 0);
}

// Of every expert the room is kept, what is missing was dropped, and nobody waits while there is room.
RC_GTEST_PROP(CapacityProperty, RoomIsKeptAndUsed, ()) {
  const auto T = *rc::gen::inRange<int64_t>(0, 30), E = *rc::gen::inRange<int64_t>(1, 6);
  const auto K = *rc::gen::inRange<int64_t>(1, E + 1);
  const double factor = *rc::gen::element(0.25, 0.5, 1.0, 1.25, 2.0);
  const auto drop = *rc::gen::element<std::string>("position", "probability", "random");
  const RandomStream stream("p" + std::to_string(*rc::gen::inRange(0, 1000)));
  // Skewed, so that low experts are crowded.
  const auto score_TE = stream.uniform({1, 0}, {T, E}) - 0.2 * torch::arange(E);
  auto expert_TK = std::get<1>(score_TE.topk(K, 1));
  expert_TK = expert_TK.masked_fill(stream.uniform({1, 1}, {T, K}) < 0.2, -1);
  const auto routing = routing_of(expert_TK, stream.uniform({1, 2}, {T, K}), E);

  const auto kept = capacity({{"factor", factor}, {"drop", drop}})->admit(routing, in_training());
  // In quarters, exactly.
  const auto quarters = static_cast<int64_t>(4 * factor) * routing.num_pairs();
  const auto room = std::max<int64_t>(1, (quarters + 4 * E - 1) / (4 * E));
  RC_ASSERT(kept.num_pairs() + kept.num_dropped == routing.num_pairs());
  for (int64_t e = 0; e < E; ++e) {
    const auto wanted = routing.plan.tokens_per_expert_E[e].item<int64_t>();
    RC_ASSERT(kept.plan.tokens_per_expert_E[e].item<int64_t>() == std::min(wanted, room));
  }
  const auto before = pairs_of(routing), after = pairs_of(kept);
  RC_ASSERT(std::includes(before.begin(), before.end(), after.begin(), after.end()));
}

}  // namespace
}  // namespace heterodyne::capacity_test
