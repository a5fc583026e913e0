#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::hash_test {
namespace {

std::shared_ptr<Router> make(Table settings, int64_t num_experts = 2, const std::string& name = "layers.0.router") {
  settings.set("kind", "hash");
  auto context = fixtures::router_context(3, num_experts);
  context.init.name = name;
  return routers().make(Member(settings), context);
}

RouteInput symbols(std::vector<int64_t> id_T) {
  auto input = fixtures::route_input(torch::zeros({static_cast<int64_t>(id_T.size()), 3}));
  input.token_id_T = torch::tensor(id_T, torch::kInt64);
  return input;
}

torch::Tensor expert_of(const Routing& routing) { return fixtures::sent_of(routing).argmax(1); }

TEST(HashRouter, ASymbolGoesToItsExpertsWhereverItStands) {
  const auto sent_TE = fixtures::sent_of(make({{"k", 3}}, 8)->route(symbols({5, 9, 5, 5, 1})));
  EXPECT_TRUE(torch::equal(sent_TE[0], sent_TE[2]) && torch::equal(sent_TE[0], sent_TE[3]));
  EXPECT_EQ(sent_TE[0].sum().item<int64_t>(), 3);
}

// 6,000 symbols, six experts: 1,000 expected for each, standard deviation 29.
TEST(HashRouter, RandomHashesUseAllExpertsAndDifferBetweenLayers) {
  auto input = symbols({});
  input.x_TD = torch::zeros({6000, 3});
  input.token_id_T = torch::arange(6000);
  const auto first = make({}, 6)->route(input), second = make({}, 6, "layers.1.router")->route(input);
  EXPECT_GT(first.plan.tokens_per_expert_E.min().item<int64_t>(), 850);
  EXPECT_LT(first.plan.tokens_per_expert_E.max().item<int64_t>(), 1150);
  EXPECT_FALSE(torch::equal(first.plan.token_N, second.plan.token_N));
}

TEST(HashRouter, TheStepOfTrainingChangesNothing) {
  const auto router = make({}, 6);
  auto input = symbols({1, 2, 3, 4, 5, 6, 7, 8});
  const auto first = router->route(input).plan.expert_N;
  input.random.step += 1;
  EXPECT_TRUE(torch::equal(first, router->route(input).plan.expert_N));
}

// 5 to expert 0, 4 to 1, 3 to 1 (4 < 5), 3 to 0 (5 < 7), 1 to 1 (7 < 8).
TEST(HashRouter, BalancedGivesFrequentSymbolsFirst) {
  const auto router = make({{"mode", "balanced"}, {"counts", Array{1, 5, 3, 4, 3}}});
  EXPECT_TRUE(
      torch::equal(expert_of(router->route(symbols({0, 1, 2, 3, 4}))), torch::tensor({1, 0, 1, 1, 0}, torch::kInt64)));
}

TEST(HashRouter, ATableIsFollowedAsWritten) {
  const auto router = make({{"mode", "table"}, {"k", 2}, {"table", Array{2, 0, 1, 2}}}, 3);
  const auto routing = router->route(symbols({0, 1, 0}));
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing), torch::tensor({{1, 0, 1}, {0, 1, 1}, {1, 0, 1}})));
  EXPECT_TRUE(torch::equal(routing.weight_N, torch::full({6}, 0.5)));
}

TEST(HashRouter, OtherNumbersOfExpertsMakeAnotherTable) {
  const auto router = make({{"mode", "balanced"}, {"counts", Array{4, 3, 2}}});
  router->set_num_experts(3);
  EXPECT_TRUE(torch::equal(expert_of(router->route(symbols({0, 1, 2}))), torch::tensor({0, 1, 2}, torch::kInt64)));
  const auto fixed = make({{"mode", "table"}, {"table", Array{0, 1}}});
  EXPECT_THROW(fixed->set_num_experts(1), ConfigError);
  EXPECT_EQ(fixed->num_experts(), 2) << "as before";
}

TEST(HashRouter, ComplainsAboutWhatItCannotHash) {
  auto input = symbols({0, 1});
  input.token_id_T = torch::Tensor();
  EXPECT_EQ(fixtures::message_of<Error>([&] { make({})->route(input); }),
            "[layers.0.router] router \"hash\": expected the symbol of each token, got none; it works on text only");
  const auto router = make({{"mode", "balanced"}, {"counts", Array{1, 1}}});
  EXPECT_EQ(fixtures::message_of<Error>([&] { router->route(symbols({0, 7})); }),
            "[layers.0.router] router \"hash\": expected symbols 0 .. 1, those of counts, got 7");
  auto padded = symbols({0, 7});
  padded.mask_T = torch::tensor({1, 0}).to(torch::kBool);
  EXPECT_EQ(router->route(padded).num_pairs(), 1) << "masked tokens may be any symbol";
}

TEST(HashRouter, RefusesTablesThatCannotBeRight) {
  const auto message = [](Table settings) {
    return fixtures::message_of<ConfigError>([&] { make(std::move(settings)); });
  };
  EXPECT_EQ(message({{"mode", "balanced"}}),
            "[router.hash] counts: expected one entry for each symbol, got an empty list");
  EXPECT_EQ(message({{"mode", "table"}, {"table", Array{0, 2}}}),
            "[router.hash] table: expected experts below num_experts = 2, got 2");
  EXPECT_EQ(message({{"mode", "table"}, {"k", 2}, {"table", Array{0, 1, 1}}}),
            "[router.hash] table: expected k = 2 entries for each symbol, got 3 entries");
  EXPECT_EQ(message({{"mode", "table"}, {"k", 2}, {"table", Array{0, 1, 1, 1}}}),
            "[router.hash] table: expected different experts for each symbol, got one twice for symbol 1");
  EXPECT_THROW(make({{"counts", Array{1, 2}}}), ConfigError) << "counts without effect";
}

}  // namespace
}  // namespace heterodyne::hash_test
