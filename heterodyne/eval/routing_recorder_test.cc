#include "heterodyne/eval/routing_recorder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "heterodyne/eval/evaluate.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::routing_recorder_test {
namespace {

// Two examples of two tokens and three experts, as a routing that was decided by hand.
class RoutingRecorderTest : public testing::Test {
 protected:
  std::unique_ptr<Dataset> dataset = datasets().make(
      Member(Table{{"kind", "synthetic"}, {"examples", 100}, {"test_examples", 60}, {"size", 16}, {"classes", 3}}),
      DataContext{{}, 0.2, {}});
  std::shared_ptr<Network> network = networks().make(
      Member(Table{{"kind", "dmmoe"},
                   {"width", 16},
                   {"moe", Table{{"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 3}}}}}}}),
      NetworkContext{dataset->shape(), 1});

  static RecorderOptions options() {
    RecorderOptions options;
    options.class_names = {"a", "b"};
    return options;
  }

  static Batch batch_of(const std::vector<int64_t>& label_B) {
    Batch batch;
    batch.label_B = torch::tensor(label_B, torch::kInt64);
    batch.index_B = torch::arange(static_cast<int64_t>(label_B.size()));
    batch.inputs = torch::zeros({static_cast<int64_t>(label_B.size()), 1});
    return batch;
  }

  // expert_TK with -1 for none; prob_TE may be empty.
  static RoutingLog log_of(const torch::Tensor& expert_TK, const torch::Tensor& prob_TE = {},
                           const torch::Tensor& mask_T = {}) {
    RouteInput input{torch::zeros({expert_TK.size(0), 16}), 2, 2, mask_T, {}, {.probabilities = true}};
    RoutingLog log = RoutingRecorder::log();
    log.add("layers.0", make_routing({expert_TK, torch::ones_like(expert_TK, torch::kFloat32), prob_TE, {}}, input, 3));
    return log;
  }

  const torch::Tensor expert_TK = torch::tensor({{0, 1}, {1, 0}, {2, -1}, {-1, -1}}, torch::kInt64);
};

using Counts = std::vector<int64_t>;

TEST_F(RoutingRecorderTest, CountsWhatWasChosenByHand) {
  RoutingRecorder recorder(*network, options());
  recorder.add(batch_of({1, 0}), log_of(expert_TK));
  recorder.add(batch_of({1, 0}), log_of(expert_TK));
  const auto layers = recorder.layers();
  ASSERT_EQ(layers.size(), 1U);
  const auto& layer = layers[0];
  EXPECT_EQ(layer.counts.count_E, (Counts{4, 4, 2}));
  EXPECT_EQ(layer.counts.num_tokens, 8);
  EXPECT_EQ(layer.counts.num_unrouted, 2);
  EXPECT_EQ(layer.k_histogram, (Counts{2, 2, 4}));
  EXPECT_EQ(layer.pair_EE, (Counts{4, 4, 0, 4, 4, 0, 0, 0, 2}));
  ASSERT_NE(layer.group("class"), nullptr);
  EXPECT_EQ(layer.group("class")->count_EG, (Counts{0, 4, 0, 4, 2, 0}));
  EXPECT_EQ(layer.group("class")->token_G, (Counts{4, 4}));
  EXPECT_EQ(layer.sample.num_choices, 2);
  EXPECT_EQ(layer.sample.id_TK, (Counts{0, 1, 1, 0, 2, -1, -1, -1, 0, 1, 1, 0, 2, -1, -1, -1}));
  EXPECT_FALSE(layer.confidence);
}

TEST_F(RoutingRecorderTest, NeverCountsPadding) {
  const auto mask_T = torch::tensor({true, false, true, false});
  const auto prob_TE = torch::tensor({{.5, .25, .25}, {9., 9., 9.}, {0., 0., 1.}, {9., 9., 9.}});
  RoutingRecorder recorder(*network, options());
  recorder.add(batch_of({1, 0}), log_of(expert_TK, prob_TE, mask_T));
  const auto layer = recorder.layers()[0];
  EXPECT_EQ(layer.counts.count_E, (Counts{1, 1, 1}));
  EXPECT_EQ(layer.counts.num_unrouted, 0);
  EXPECT_EQ(layer.k_histogram, (Counts{0, 1, 1}));
  EXPECT_EQ(layer.sample.id_TK, (Counts{0, 1, 2, -1}));
  EXPECT_EQ(layer.group("class")->token_G, (Counts{1, 1}));
  ASSERT_TRUE(layer.confidence);
  EXPECT_EQ(layer.confidence->num_tokens, 2);
  // H(.5, .25, .25) = 1.5 ln 2, H(0, 0, 1) = 0; margins .25 and 1; the mean of p is (.25, .125, .625).
  EXPECT_NEAR(layer.confidence->entropy_sum, 1.5 * std::log(2.0), 1e-9);
  EXPECT_NEAR(layer.confidence->margin_sum, 1.25, 1e-9);
  EXPECT_NEAR(layer.confidence->prob_sum_E[2], 1.25, 1e-9);
  EXPECT_EQ(layer.confidence->entropy_bins[0], 1);
  EXPECT_EQ(layer.confidence->entropy_bins[18], 1) << "1.5 ln 2 / ln 3 = .946";
  EXPECT_EQ(layer.confidence->margin_bins[5] + layer.confidence->margin_bins[19], 2);
}

TEST_F(RoutingRecorderTest, SortsTokensByTypesOfTheirOwn) {
  RoutingRecorder recorder(*network, {});
  const TokenGroups types{"token_type", {"letter", "space"}, torch::tensor({0, 1, 0, -1}, torch::kInt64)};
  recorder.add(batch_of({0, 0}), log_of(expert_TK), {types});
  const auto layers = recorder.layers();
  const auto* group = layers[0].group("token_type");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->count_EG, (Counts{1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(group->token_G, (Counts{2, 1}));
}

// Two images of four patches with texts of two and of one word. Patches get expert 0, words expert 1.
TEST_F(RoutingRecorderTest, SortsTokensByModality) {
  const Table settings{{"kind", "image_text"},
                       {"width", 16},
                       {"stem", "patch"},
                       {"moe", Table{{"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 2}}}}}}};
  const auto reader = networks().make(Member(settings), NetworkContext{{1, 16, 16, 2, 3, 2}, 1});
  auto batch = batch_of({0, 1});
  batch.text_BS = torch::tensor({{1, 2}, {1, 0}});
  const auto mask_T = torch::tensor({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0}).to(torch::kBool);
  const auto expert_T1 = torch::tensor({0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1}).unsqueeze(1);
  RoutingLog log = RoutingRecorder::log();
  log.add("layers.1", make_routing({expert_T1, torch::ones({12, 1}), {}, {}},
                                   RouteInput{torch::zeros({12, 16}), 2, 6, mask_T, {}, {}}, 2));
  auto wanted = options();
  wanted.words = {"<unk>", "red", "?"};
  RoutingRecorder recorder(*reader, wanted);
  recorder.add(batch, log);
  const auto layer = recorder.layers()[0];
  const auto* modality = layer.group("modality");
  ASSERT_NE(modality, nullptr);
  EXPECT_EQ(modality->labels, (std::vector<std::string>{"image", "text"}));
  EXPECT_EQ(modality->count_EG, (Counts{8, 0, 0, 3}));
  EXPECT_EQ(modality->token_G, (Counts{8, 3}));
  // I(E; G) is the entropy of 8 and 3 of 11. Dealt out anew, two examples rarely say as much.
  const double most = std::log(11.0) - (8 * std::log(8.0) + 3 * std::log(3.0)) / 11;
  ASSERT_EQ(modality->shuffled_information.size(), 20U);
  double sum = 0;
  for (const double nats : modality->shuffled_information) {
    EXPECT_LE(nats, most + 1e-9);
    sum += nats;
  }
  EXPECT_LT(sum / 20, most / 2);
  EXPECT_EQ(layer.group("word")->count_EG, (Counts{0, 0, 0, 0, 2, 1}));
  EXPECT_EQ(layer.group("patch_row")->count_EG, (Counts{4, 4, 0, 0}));
}

TEST_F(RoutingRecorderTest, RefusesALayerThatChanged) {
  RoutingRecorder recorder(*network, {});
  RoutingLog log;
  log.keep_pairs = true;
  log.add("layers.0", make_routing({torch::zeros({2, 1}, torch::kInt64), torch::ones({2, 1}), {}, {}},
                                   RouteInput{torch::zeros({2, 16}), 1, 2, {}, {}, {}}, 4));
  EXPECT_THROW(recorder.add(batch_of({0}), log), Error);
}

// What a whole pass finds must not depend on how it was cut into batches or how many threads there were.
TEST_F(RoutingRecorderTest, APassIsTheSameWhateverTheBatch) {
  const auto pass = [&](int64_t batch) {
    Loader loader(*dataset, Split::kTest, LoaderOptions{.batch = batch});
    RoutingRecorder recorder(*network, recorder_options(*dataset, Split::kTest, 3));
    const auto evaluation = evaluate(*network, loader, torch::kFloat32, &recorder);
    return profile_of(*network, evaluation, &recorder);
  };
  const auto a = pass(60), b = pass(7);
  ASSERT_EQ(a.layers.size(), 1U);
  EXPECT_EQ(a.num_examples, 60);
  EXPECT_EQ(a.layers[0].counts.count_E, b.layers[0].counts.count_E);
  EXPECT_EQ(a.layers[0].pair_EE, b.layers[0].pair_EE);
  EXPECT_EQ(a.layers[0].sample.id_TK, b.layers[0].sample.id_TK);
  EXPECT_EQ(a.layers[0].shuffled_information, b.layers[0].shuffled_information);
  EXPECT_EQ(a.layers[0].shuffled_information.size(), 100U);
  for (const char* name : {"class", "patch_row", "patch_column"}) {
    ASSERT_NE(a.layers[0].group(name), nullptr) << name;
    EXPECT_EQ(a.layers[0].group(name)->count_EG, b.layers[0].group(name)->count_EG) << name;
    const auto& token_G = a.layers[0].group(name)->token_G;
    EXPECT_EQ(std::accumulate(token_G.begin(), token_G.end(), int64_t{0}), 60 * 4) << name;
  }
  EXPECT_GT(a.dense_macs, a.cost.routed.macs);
}

// Every class always to its own expert: I(E; Y) = ln 2, and shuffled labels know almost nothing of it.
TEST_F(RoutingRecorderTest, ShufflesDealLabelsToWholeExamples) {
  RecorderOptions shuffling = options();
  std::vector<int64_t> label_B(200);
  for (size_t i = 0; i < label_B.size(); ++i) label_B[i] = static_cast<int64_t>(i % 2);
  shuffling.label_of_example = torch::tensor(label_B, torch::kInt64);
  RoutingRecorder recorder(*network, shuffling);
  const auto expert_T1 = shuffling.label_of_example.repeat_interleave(2).unsqueeze(1);
  recorder.add(batch_of(label_B), log_of(expert_T1));
  const auto layer = recorder.layers()[0];
  EXPECT_EQ(layer.group("class")->count_EG, (Counts{200, 0, 0, 200, 0, 0}));
  ASSERT_EQ(layer.shuffled_information.size(), 100U);
  // 200 examples: 2 N I is about chi squared with one degree of freedom, so the mean of I is 1 / 400.
  const double mean = std::accumulate(layer.shuffled_information.begin(), layer.shuffled_information.end(), 0.0) / 100;
  EXPECT_NEAR(mean, 1.0 / 400, 1.2e-3);
}

}  // namespace
}  // namespace heterodyne::routing_recorder_test
