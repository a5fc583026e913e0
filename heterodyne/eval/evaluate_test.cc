#include "heterodyne/eval/evaluate.h"

#include <gtest/gtest.h>

#include "heterodyne/io/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::evaluate_test {
namespace {

class EvaluateTest : public testing::Test {
 protected:
  std::unique_ptr<Dataset> dataset = datasets().make(
      Member(Table{{"kind", "synthetic"}, {"examples", 100}, {"test_examples", 50}, {"size", 16}, {"classes", 3}}),
      DataContext{{}, 0.2, {}});
  std::shared_ptr<Network> network = networks().make(
      Member(Table{{"kind", "dmmoe"}, {"width", 16}, {"moe", Table{{"experts", fixtures::mixed_experts()}}}}),
      NetworkContext{dataset->shape(), 1});

  Evaluation evaluate_with(int64_t batch) {
    Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = batch});
    return evaluate(*network, loader, torch::kFloat32);
  }
};

TEST_F(EvaluateTest, SeesEveryExampleOnceWhateverTheBatch) {
  const auto a = evaluate_with(50), b = evaluate_with(7);
  EXPECT_EQ(a.metrics.num_examples(), 50);
  EXPECT_EQ(b.metrics.num_examples(), 50);
  EXPECT_EQ(a.metrics.accuracy(), b.metrics.accuracy());
  EXPECT_NEAR(a.metrics.loss(), b.metrics.loss(), 1e-5);
  EXPECT_EQ(a.routing.layers()[0].count_E, b.routing.layers()[0].count_E);
  EXPECT_EQ(a.routing.layers()[0].num_assignments(), 50 * 4 * 2);
}

TEST_F(EvaluateTest, RunsInEvalModeAndRestoresTheMode) {
  network->train();
  const auto first = evaluate_with(10).metrics.loss();
  EXPECT_TRUE(network->is_training());
  EXPECT_EQ(evaluate_with(10).metrics.loss(), first) << "dropout or noise drew anew";
}

TEST_F(EvaluateTest, TheTableNamesExpertsByIdWithSharesThatAddUp) {
  const Table table = evaluate_with(10).table();
  double sum = 0;
  for (const int id : {0, 1, 2, 3}) sum += *table.find("layers.0.experts." + std::to_string(id) + ".share")->if_real();
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_EQ(*table.find("layers.0.mean_k")->if_real(), 2);
  EXPECT_GE(*table.find("accuracy")->if_real(), 0);
  EXPECT_LE(*table.find("accuracy")->if_real(), 1);
}

TEST_F(EvaluateTest, TheCostIsThatOfTheLoadsSeen) {
  const auto evaluation = evaluate_with(10);
  std::vector<double> load_E;
  for (const int64_t count : evaluation.routing.layers()[0].count_E) load_E.push_back(static_cast<double>(count) / 50);
  EXPECT_DOUBLE_EQ(evaluation.cost.routed.macs, network->cost({load_E}).routed.macs);
  const Table table = evaluation.table();
  EXPECT_EQ(*table.find("macs.executed")->if_real(), evaluation.cost.executed.macs);
  EXPECT_EQ(*table.find("params")->if_integer(), num_params(*network));
}

// Questions of many lengths, of which answers alone are judged, to a network that would carry its state from row to
// row.
class EvaluateInstructions : public testing::Test {
 protected:
  EvaluateInstructions() {
    std::string rows;
    for (int i = 0; i < 30; ++i)
      rows += R"({"instruction": ")" + std::string(static_cast<size_t>(1 + i * 7 % 19), 'q') +
              R"(", "output": "ab"})"
              "\n";
    folder.put("rows.jsonl", rows);
    DataContext context{{folder.path()}, 0.3, {}};
    dataset = datasets().make(
        Member(Table{{"kind", "instruct"}, {"path", "rows.jsonl"}, {"length", 96}, {"test", 0.0}}), context);
    const Array experts{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 2}}};
    network = networks().make(
        Member(Table{{"kind", "lstm_lm"},
                     {"width", 8},
                     {"moe", Table{{"router", Table{{"kind", "top_k"}, {"k", 1}}}, {"experts", experts}}}}),
        NetworkContext{dataset->shape(), 1});
  }
  Evaluation evaluate_with(int64_t batch) {
    Loader loader(*dataset, Split::kValid, LoaderOptions{.batch = batch});
    return evaluate(*network, loader, torch::kFloat32);
  }

  fixtures::TemporaryFolder folder;
  std::unique_ptr<Dataset> dataset;
  std::shared_ptr<Network> network;
};

TEST_F(EvaluateInstructions, EachBeginsAnewWhateverTheBatch) {
  const double alone = evaluate_with(1).metrics.loss();
  for (const int64_t batch : {2, 5, 9}) EXPECT_NEAR(evaluate_with(batch).metrics.loss(), alone, 1e-6) << batch;
}

TEST_F(EvaluateInstructions, AnExampleIsATokenWhetherItIsJudgedOrNot) {
  const auto evaluation = evaluate_with(5);
  EXPECT_LT(evaluation.metrics.num_examples(), evaluation.routing.layers()[0].num_tokens);
  EXPECT_NEAR(evaluation.cost.routed.macs, network->cost({{0.5, 0.5}}).routed.macs, 1e-6) << "one expert for each";
  const auto profile = profile_of(*network, evaluation, nullptr, {});
  EXPECT_NEAR(profile.dense_macs, network->cost({{1, 1}}).routed.macs, 1e-6);
}

TEST_F(EvaluateTest, EndsEarlyWhenToldTo) {
  Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = 10});
  EXPECT_EQ(
      evaluate(*network, loader, {torch::kFloat32, 0, [](int64_t done) { return done < 2; }}).metrics.num_examples(),
      20);
}

}  // namespace
}  // namespace heterodyne::evaluate_test
