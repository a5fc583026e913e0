// What holds for a recorder whatever the routing: drawn at random, from seeds that are printed.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/eval/information.h"
#include "heterodyne/eval/routing_recorder.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::routing_recorder_properties_test {
namespace {

constexpr int64_t kExperts = 5, kChoices = 3, kExamples = 12, kLength = 4;

class RoutingRecorderProperties : public testing::TestWithParam<int> {
 protected:
  std::shared_ptr<Network> network = networks().make(
      Member(Table{{"kind", "dmmoe"},
                   {"width", 16},
                   {"moe", Table{{"router", Table{{"kind", "top_k"}, {"k", kChoices}}},
                                 {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 5}}}}}}}),
      NetworkContext{{1, 16, 16, 3}, 1});

  // Which experts the tokens of a batch get, which of them are padding, and to which classes they belong.
  struct Drawn {
    torch::Tensor prob_TE, expert_TK, mask_T, label_B;
  };
  Drawn draw(int step) const {
    const RandomKey key{static_cast<uint64_t>(GetParam()), static_cast<uint64_t>(step)};
    const auto prob_TE = RandomStream("p").normal(key, {kExamples * kLength, kExperts}).softmax(1);
    auto expert_TK = std::get<1>(prob_TE.topk(kChoices, 1));
    // Some tokens get fewer.
    expert_TK = expert_TK.masked_fill(RandomStream("none").uniform(key, {kExamples * kLength, kChoices}) < .3, -1);
    return {prob_TE, expert_TK, RandomStream("mask").uniform(key, {kExamples * kLength}) < .8,
            (RandomStream("y").uniform(key, {kExamples}) * 3).to(torch::kInt64)};
  }

  static void add(const Drawn& drawn, RoutingRecorder& recorder) {
    Batch batch;
    batch.inputs = torch::zeros({kExamples, 1});
    batch.label_B = drawn.label_B;
    batch.index_B = torch::arange(kExamples);
    RoutingLog log = RoutingRecorder::log();
    const RouteInput input{torch::zeros({kExamples * kLength, 16}), kExamples, kLength, drawn.mask_T, {},
                           {.probabilities = true, .logits = false}};
    const auto weight_TK = torch::ones({kExamples * kLength, kChoices});
    log.add("layers.0", make_routing({drawn.expert_TK, weight_TK, drawn.prob_TE, {}}, input, kExperts));
    recorder.add(batch, log);
  }

  RecorderOptions options() const {
    RecorderOptions options;
    options.class_names = {"a", "b", "c"};
    options.label_of_example = draw(0).label_B;
    options.num_shuffles = 10;
    options.num_sampled_tokens = 100;
    return options;
  }

  LayerProfile record(const std::vector<Drawn>& batches) {
    RoutingRecorder recorder(*network, options());
    for (const auto& batch : batches) add(batch, recorder);
    return recorder.layers()[0];
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, RoutingRecorderProperties, testing::Range(1, 9));

int64_t sum_of(const std::vector<int64_t>& counts) {
  int64_t sum = 0;
  for (const int64_t count : counts) sum += count;
  return sum;
}

TEST_P(RoutingRecorderProperties, EveryAssignmentIsInEachViewOnce) {
  const auto layer = record({draw(0), draw(1)});
  const int64_t assignments = layer.counts.num_assignments();
  EXPECT_EQ(sum_of(layer.group("class")->count_EG), assignments);
  EXPECT_EQ(sum_of(layer.group("patch_row")->count_EG), assignments);
  EXPECT_EQ(sum_of(layer.k_histogram), layer.counts.num_tokens);
  EXPECT_EQ(layer.k_histogram[0], layer.counts.num_unrouted);
  EXPECT_EQ(sum_of(layer.group("class")->token_G), layer.counts.num_tokens);
  int64_t by_k = 0;
  for (size_t k = 0; k < layer.k_histogram.size(); ++k) by_k += static_cast<int64_t>(k) * layer.k_histogram[k];
  EXPECT_EQ(by_k, assignments);
  for (size_t e = 0; e < kExperts; ++e) EXPECT_EQ(layer.pair_EE[e * kExperts + e], layer.counts.count_E[e]);
  EXPECT_EQ(layer.counts.num_tokens, (draw(0).mask_T.sum() + draw(1).mask_T.sum()).item<int64_t>());
}

// Experts in another order: the same numbers in that order, and the same information.
TEST_P(RoutingRecorderProperties, FollowsTheOrderOfTheExperts) {
  const std::vector<int64_t> place_E = {3, 0, 4, 1, 2};  // of each expert in the new order
  Drawn moved = draw(0);
  const auto old_TK = moved.expert_TK;
  moved.expert_TK = old_TK.clone();
  moved.prob_TE = moved.prob_TE.clone();
  for (int64_t e = 0; e < kExperts; ++e) {
    moved.expert_TK.masked_fill_(old_TK == e, place_E[static_cast<size_t>(e)]);
    moved.prob_TE.select(1, place_E[static_cast<size_t>(e)]).copy_(draw(0).prob_TE.select(1, e));
  }
  const auto a = record({draw(0)}), b = record({moved});
  const auto at = [&](size_t e) { return static_cast<size_t>(place_E[e]); };
  for (size_t e = 0; e < kExperts; ++e) {
    EXPECT_EQ(b.counts.count_E[at(e)], a.counts.count_E[e]);
    EXPECT_NEAR(b.confidence->prob_sum_E[at(e)], a.confidence->prob_sum_E[e], 1e-9);
    for (size_t f = 0; f < kExperts; ++f) EXPECT_EQ(b.pair_EE[at(e) * kExperts + at(f)], a.pair_EE[e * kExperts + f]);
    for (size_t y = 0; y < 3; ++y)
      EXPECT_EQ(b.group("class")->count_EG[at(e) * 3 + y], a.group("class")->count_EG[e * 3 + y]);
  }
  EXPECT_EQ(a.k_histogram, b.k_histogram);
  for (size_t s = 0; s < a.shuffled_information.size(); ++s)
    EXPECT_NEAR(a.shuffled_information[s], b.shuffled_information[s], 1e-12);
  const auto information = [](const LayerProfile& layer) {
    return information_of({kExperts, 3, layer.group("class")->count_EG}).mutual;
  };
  EXPECT_NEAR(information(a), information(b), 1e-12);
}

TEST_P(RoutingRecorderProperties, IsTheSameForAnyNumberOfThreads) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto a = record({draw(0), draw(1)});
  at::set_num_threads(3);
  const auto b = record({draw(0), draw(1)});
  at::set_num_threads(before);
  EXPECT_EQ(a.counts.count_E, b.counts.count_E);
  EXPECT_EQ(a.pair_EE, b.pair_EE);
  EXPECT_EQ(a.shuffled_information, b.shuffled_information);
  EXPECT_EQ(a.confidence->entropy_sum, b.confidence->entropy_sum);
  EXPECT_EQ(a.confidence->prob_sum_E, b.confidence->prob_sum_E);
}

TEST_P(RoutingRecorderProperties, DoesNotGrowWithTheData) {
  const auto size_of = [](const LayerProfile& layer) {
    size_t size = layer.pair_EE.size() + layer.k_histogram.size() + layer.shuffled_information.size() +
                  layer.sample.id_TK.size() + layer.confidence->entropy_bins.size();
    for (const auto& group : layer.groups) size += group.count_EG.size() + group.token_G.size();
    return size;
  };
  std::vector<Drawn> three{draw(0), draw(1), draw(2)}, many = three;
  while (many.size() < 30) many.push_back(draw(static_cast<int>(many.size())));
  EXPECT_EQ(size_of(record(many)), size_of(record(three)));
  EXPECT_EQ(record(three).sample.id_TK.size(), 100U * kChoices);
}

}  // namespace
}  // namespace heterodyne::routing_recorder_properties_test
