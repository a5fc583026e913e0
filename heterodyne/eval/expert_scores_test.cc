#include "heterodyne/eval/expert_scores.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/eval/knock_out.h"
#include "heterodyne/eval/reap.h"

namespace heterodyne::expert_scores_test {
namespace {

class ExpertScores : public testing::Test {
 protected:
  std::vector<double> scores(const std::string& by) { return expert_scores(by, *network, loader, {}).at(0); }

  std::unique_ptr<Dataset> dataset = datasets().make(
      Member(Table{{"kind", "synthetic"}, {"examples", 40}, {"test_examples", 20}, {"size", 16}, {"classes", 4}}),
      DataContext{{}, 0.2, {}});
  std::shared_ptr<Network> network = networks().make(
      Member(Table{{"kind", "dmmoe"},
                   {"width", 8},
                   {"moe", Table{{"router", Table{{"kind", "round_robin"}, {"k", 1}}},
                                 {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 4}, {"count", 4}}}}}}}),
      NetworkContext{dataset->shape(), 1});
  Loader loader{*dataset, Split::kTest, LoaderOptions{.batch = 10}};
};

TEST_F(ExpertScores, AreSharesOfTheLoad) {
  const auto share_E = scores("load");
  for (const double share : share_E) EXPECT_NEAR(share, 0.25, 1e-12) << "each in turn";
}

TEST_F(ExpertScores, AreWhatTheMeasuresSay) {
  EXPECT_EQ(scores("reap"), reap_scores(*network, loader, {}).at(0));
  EXPECT_EQ(scores("knockout"), knock_out(*network, loader, {}).at(0).loss_change_E);
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { scores("age"); }),
            "[expert_scores] by: expected load, reap or knockout, got \"age\"");
}

}  // namespace
}  // namespace heterodyne::expert_scores_test
