#include "heterodyne/convert/score.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <gtest/gtest.h>

#include "heterodyne/convert/fixtures.h"

namespace heterodyne::score_test {
namespace {

torch::Tensor score_of(const std::string& kind, Network& network, const std::vector<Batch>& batches) {
  size_t next = 0;
  const auto source = [&]() -> std::optional<Batch> {
    return next < batches.size() ? std::optional(batches[next++]) : std::nullopt;
  };
  return score_domain(network, *scores().make(Member(Table{{"kind", kind}})), source).score_LF;
}

// The three products of weights and their gradients, sequence by sequence (HEMoE's definition).
torch::Tensor by_weight_gradients(Network& network, const Batch& batch) {
  const auto layers = dense_layers_of(network);
  std::vector<torch::Tensor> sums;
  for (const auto& layer : layers) sums.push_back(torch::zeros({layer.num_neurons()}, torch::kFloat64));
  for (int64_t b = 0; b < batch.size(); ++b) {
    Batch one = batch;
    one.inputs = batch.inputs.narrow(0, b, 1);
    one.label_B = batch.label_B.narrow(0, b, 1);
    const auto logits = network.forward(one, nullptr).logit_BY;
    const auto loss = at::cross_entropy_loss(logits.flatten(0, -2), one.label_B.flatten());
    std::vector<torch::Tensor> weights;
    for (const auto& layer : layers)
      for (const auto& weight : {layer.part.gate_FD, layer.part.up_FD, layer.part.down_OF}) weights.push_back(weight);
    const auto found = torch::autograd::grad({loss}, weights);
    for (size_t l = 0; l < layers.size(); ++l) {
      const auto products_F = (weights[3 * l] * found[3 * l]).sum(1) + (weights[3 * l + 1] * found[3 * l + 1]).sum(1) +
                              (weights[3 * l + 2] * found[3 * l + 2]).sum(0);
      sums[l] += products_F.detach().abs();
    }
  }
  return torch::stack(sums);
}

TEST(Score, TaylorEqualsTheProductsOfWeightsAndTheirGradients) {
  const auto network = fixtures::small_llama(torch::kFloat64);
  const auto batch = fixtures::text_batch(3, 7);
  const auto expected = by_weight_gradients(*network, batch);
  const auto got = score_of("taylor", *network, {batch});
  EXPECT_LT(((got - expected).abs() / expected.abs().max()).max().item<double>(), 1e-12);
  EXPECT_GT(expected.min().item<double>(), 0);
}

class ScoreContract : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, ScoreContract, testing::ValuesIn(scores().names()),
                         [](const auto& test) { return test.param; });

TEST_P(ScoreContract, SequencesCountOneByOne) {
  const auto network = fixtures::small_llama(torch::kFloat64);
  const auto batch = fixtures::text_batch(4, 6);
  std::vector<Batch> single;
  for (int64_t b = 0; b < 4; ++b) {
    single.push_back(batch);
    single.back().inputs = batch.inputs.narrow(0, b, 1);
    single.back().label_B = batch.label_B.narrow(0, b, 1);
  }
  const auto together = score_of(GetParam(), *network, {batch});
  EXPECT_TRUE(torch::allclose(together, score_of(GetParam(), *network, single), 1e-9, 1e-12));
  EXPECT_TRUE((together >= 0).all().item<bool>());
  EXPECT_EQ(together.sizes(), (std::vector<int64_t>{2, 24}));
}

// Two texts of six and of three tokens, each by itself or with padding after the shorter one.
TEST_P(ScoreContract, PaddingCountsForNothing) {
  const auto network = fixtures::small_llama(torch::kFloat64);
  auto padded = fixtures::text_batch(2, 6);
  std::vector<Batch> single;
  for (int64_t b = 0; b < 2; ++b) {
    const int64_t length = b == 0 ? 6 : 3;
    single.push_back(padded);
    single.back().inputs = padded.inputs.narrow(0, b, 1).narrow(1, 0, length);
    single.back().label_B = padded.label_B.narrow(0, b, 1).narrow(1, 0, length);
  }
  padded.mask_BS = torch::ones({2, 6}, torch::kBool);
  padded.mask_BS[1].narrow(0, 3, 3).fill_(false);
  padded.label_B[1].narrow(0, 3, 3).fill_(-100);
  const auto expected = score_of(GetParam(), *network, single);
  EXPECT_TRUE(torch::allclose(score_of(GetParam(), *network, {padded}), expected, 1e-9, 1e-12));
}

// Weights of the neuron are 3, 4 and 12: the length is 13.
TEST(Score, MagnitudeIsTheLengthOfTheWeights) {
  const auto network = fixtures::small_llama(torch::kFloat32);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network->named_parameters()) {
    if (parameter.key().rfind("layers.0.", 0) == 0) parameter.value().zero_();
  }
  const auto part = dense_layers_of(*network)[0].part;
  part.gate_FD[5][0] = 3;
  part.up_FD[5][1] = 4;
  part.down_OF[2][5] = 12;
  const auto score_LF = score_of("magnitude", *network, {});
  EXPECT_NEAR(score_LF[0][5].item<double>(), 13, 1e-6);
  EXPECT_EQ(score_LF[0][4].item<double>(), 0);
}

TEST(Score, ADomainWithoutTextIsRefused) {
  const auto network = fixtures::small_llama(torch::kFloat32);
  EXPECT_THROW(score_of("taylor", *network, {}), Error);
}

}  // namespace
}  // namespace heterodyne::score_test
