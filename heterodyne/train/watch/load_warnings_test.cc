#include "heterodyne/train/watch/load_warnings.h"

#include <gtest/gtest.h>

#include "heterodyne/train/fixtures.h"

namespace heterodyne::load_warnings_test {
namespace {

struct Watched {
  Experiment experiment;
  std::shared_ptr<Network> network;
  std::vector<std::string> warnings;
  LoadWarnings hook;

  explicit Watched(const std::vector<std::string>& settings = {})
      : experiment(fixtures::small_experiment(settings)),
        network(make_network(experiment)),
        hook(*network, experiment.resolved, {[this](LogLevel, const std::string& line) { warnings.push_back(line); }}) {
  }

  void log(int64_t step, const std::vector<int64_t>& count_E, int64_t num_tokens = 200) {
    std::vector<int64_t> id_E(count_E.size());
    for (size_t e = 0; e < id_E.size(); ++e) id_E[e] = static_cast<int64_t>(e);
    hook.on_log({step, 50, {}, {{{"layers.0", count_E, num_tokens, 0}, id_E}}});
  }
};

TEST(LoadWarnings, NameLayerExpertAndRemediesWithinOneLogInterval) {
  Watched run;
  run.log(50, {160, 0, 140, 100});
  EXPECT_EQ(run.warnings, std::vector<std::string>{
                              "layers.0: expert 1 (conv1d) got no token for 50 steps. Try a larger "
                              "model.moe.balancers.0.weight (0.02 now) or a larger model.moe.router.noise_scale (1.0 "
                              "now)."});
}

TEST(LoadWarnings, TellOfExpertsThatAlmostStarve) {
  Watched run;
  run.log(50, {1333, 1333, 1333, 1}, 2000);
  ASSERT_EQ(run.warnings.size(), 1U);
  EXPECT_TRUE(run.warnings[0].starts_with("layers.0: expert 3 (lstm_cell) got 0.1 % of its fair share for 50 steps"))
      << run.warnings[0];
}

TEST(LoadWarnings, NameAFewOfManyOnOneLine) {
  Watched run({"model.moe.experts=[{kind=\"mlp\",hidden=8,count=9}]"});
  run.log(50, {200, 0, 0, 200, 0, 0, 0, 0, 0});
  ASSERT_EQ(run.warnings.size(), 2U);
  EXPECT_TRUE(run.warnings[1].starts_with(
      "layers.0: experts 1 (mlp), 2 (mlp), 4 (mlp), 5 (mlp), 6 (mlp) and 2 more got no token for 50 steps. Try "))
      << run.warnings[1];
}

TEST(LoadWarnings, AreNotRepeatedFor500Steps) {
  Watched run;
  for (int64_t step = 50; step < 550; step += 50) run.log(step, {200, 0, 100, 100});
  EXPECT_EQ(run.warnings.size(), 1U);
  run.log(550, {200, 0, 100, 100});
  EXPECT_EQ(run.warnings.size(), 2U);
}

TEST(LoadWarnings, SayNothingOfUnevenLoadsAndOfWindowsTooShort) {
  Watched run;
  run.log(50, {200, 120, 60, 20});
  run.log(51, {12, 0, 12, 12}, 18);
  EXPECT_TRUE(run.warnings.empty());
}

TEST(LoadWarnings, TellOfACollapsedLayer) {
  Watched run;
  run.log(50, {198, 198, 2, 2});
  ASSERT_EQ(run.warnings.size(), 1U);
  EXPECT_TRUE(run.warnings[0].starts_with(
      "layers.0: collapsed: 2.1 of 4 experts did the work of all for 50 steps at 2.00 per token. Try "))
      << run.warnings[0];
}

}  // namespace
}  // namespace heterodyne::load_warnings_test
