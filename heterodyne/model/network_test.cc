// The promises of network.h, kept by every kind.
#include "heterodyne/model/network.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::network_test {
namespace {

constexpr int64_t kSymbols = 11, kLength = 6;

class NetworkContract : public testing::TestWithParam<std::string> {
 protected:
  static bool reads_text() { return networks().find(GetParam()).reads_text; }
  static bool reads_pairs() { return networks().find(GetParam()).reads_pairs; }
  static int64_t num_classes() { return reads_text() ? kSymbols : 5; }

  // With causal experts that may answer in any width, where it has experts.
  std::shared_ptr<Network> make(uint64_t seed = 1, int64_t k = 2) const {
    Table settings{{"kind", GetParam()}};
    const auto fields = networks().schema(GetParam()).list();
    const bool has_experts =
        std::any_of(fields.begin(), fields.end(), [](const FieldInfo& field) { return field.name == "moe.experts"; });
    const Array experts{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 2}}, Table{{"kind", "lstm_cell"}}};
    if (has_experts) settings.set("moe", Table{{"router", Table{{"kind", "top_k"}, {"k", k}}}, {"experts", experts}});
    DataShape shape{2, 16, 16, 5};
    if (reads_text()) {
      shape = DataShape();
      shape.vocabulary = shape.num_classes = kSymbols;
      shape.length = kLength;
    }
    if (reads_pairs()) shape.vocabulary = kSymbols, shape.length = kLength;
    return networks().make(Member(settings), NetworkContext{shape, seed});
  }

  static Batch batch_of(int64_t B) {
    Batch batch{{}, torch::zeros({B}, torch::kInt64), torch::arange(B), {}, {3, 5}};
    batch.inputs = fixtures::normal("images", {B, 2, 16, 16});
    const auto text = torch::arange(B * kLength).remainder(kSymbols).view({B, kLength});
    if (reads_text()) batch.inputs = text;
    if (reads_pairs()) batch.text_BS = text;
    return batch;
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, NetworkContract, testing::ValuesIn(networks().names()),
                         [](const auto& test) { return test.param; });

TEST_P(NetworkContract, ClassifiesBatchesOfAnySize) {
  const auto network = make();
  for (const int64_t B : {0, 1, 7}) {
    const auto output = network->forward(batch_of(B), nullptr);
    EXPECT_EQ(output.logit_BY.size(0), B);
    EXPECT_EQ(output.logit_BY.size(-1), num_classes());
    // A language model answers at every token.
    EXPECT_EQ(output.logit_BY.dim(), reads_text() && network->is_causal() ? 3 : 2);
    EXPECT_EQ(output.sums.size(), network->moe_layers().size());
  }
}

TEST_P(NetworkContract, EqualSeedsGiveEqualNetworks) {
  const auto a = make(1)->forward(batch_of(3), nullptr).logit_BY;
  EXPECT_TRUE(torch::equal(a, make(1)->forward(batch_of(3), nullptr).logit_BY));
  EXPECT_FALSE(torch::equal(a, make(2)->forward(batch_of(3), nullptr).logit_BY));
}

TEST_P(NetworkContract, EqualKeysGiveEqualOutputsInTraining) {
  const auto network = make();
  const auto first = network->forward(batch_of(3), nullptr).logit_BY;
  EXPECT_TRUE(torch::equal(first, network->forward(batch_of(3), nullptr).logit_BY));
}

TEST_P(NetworkContract, TheLogChangesNothing) {
  const auto network = make();
  RoutingLog log;
  std::vector<std::string> names;
  log.on_value = [&](const std::string& name, const torch::Tensor&) { names.push_back(name); };
  EXPECT_TRUE(
      torch::equal(network->forward(batch_of(3), &log).logit_BY, network->forward(batch_of(3), nullptr).logit_BY));
  EXPECT_EQ(log.layers.size(), network->moe_layers().size());
  EXPECT_EQ(names.back(), "head");
}

TEST_P(NetworkContract, AGridHoldsEveryToken) {
  const auto network = make();
  const auto [rows, columns] = network->token_grid();
  const auto parts = network->token_parts();
  const int64_t num_patches = parts.empty() ? network->tokens_per_example() : parts.front().count;
  EXPECT_TRUE(rows == 0 || rows * columns == num_patches) << rows << " x " << columns;
}

TEST_P(NetworkContract, ItsPartsHoldEveryToken) {
  const auto network = make();
  const auto parts = network->token_parts();
  EXPECT_EQ(parts.empty(), !reads_pairs());
  int64_t count = 0;
  for (const auto& part : parts) count += part.count;
  EXPECT_EQ(count, reads_pairs() ? network->tokens_per_example() : 0);
}

// What stands at padding changes no answer, and is routed nowhere.
TEST_P(NetworkContract, PaddingOfAPairIsNotSeen) {
  if (!reads_pairs()) GTEST_SKIP() << "reads no pairs";
  const auto network = make();
  network->eval();
  auto batch = batch_of(3);
  batch.mask_BS = torch::arange(kLength).lt(torch::tensor({2, 6, 1}).unsqueeze(1));
  RoutingLog log;
  const auto expected = network->forward(batch, &log).logit_BY;
  for (const auto& layer : log.layers)
    EXPECT_EQ(layer.num_tokens, 3 * (network->tokens_per_example() - kLength) + 2 + 6 + 1);
  batch.text_BS = torch::where(batch.mask_BS, batch.text_BS, torch::full_like(batch.text_BS, 7));
  EXPECT_TRUE(torch::allclose(network->forward(batch, nullptr).logit_BY, expected, 1e-5, 1e-6));
}

// With three choices of three experts, so that none is left out.
TEST_P(NetworkContract, EveryParameterHasAGradient) {
  const auto network = make(1, 3);
  const auto output = network->forward(batch_of(7), nullptr);
  output.logit_BY.pow(2).sum().backward();
  for (const auto& parameter : network->named_parameters()) EXPECT_TRUE(parameter->grad().defined()) << parameter.key();
}

TEST_P(NetworkContract, CountsItsCost) {
  const auto network = make();
  const auto cost = even_cost(*network);
  EXPECT_EQ(cost.routed.params, num_params(*network));
  EXPECT_GT(cost.routed.macs, 0);
  EXPECT_GE(cost.executed.macs, cost.routed.macs * 0.99);
}

// A text in two parts, the second with what the first carried out, gives what the whole gives.
TEST_P(NetworkContract, ATextCanBeContinued) {
  const auto network = make();
  if (!network->is_causal()) GTEST_SKIP() << "makes no text";
  network->eval();
  const auto whole = batch_of(3);
  const auto expected = network->forward(whole, nullptr).logit_BY;
  Batch part = whole;
  part.keeps_past = true;
  part.inputs = whole.inputs.narrow(1, 0, 2);
  const auto first = network->forward(part, nullptr);
  part.inputs = whole.inputs.narrow(1, 2, kLength - 2);
  part.carry = first.carry;
  part.first_position = 2;
  const auto both = torch::cat({first.logit_BY, network->forward(part, nullptr).logit_BY}, 1);
  EXPECT_TRUE(torch::allclose(both, expected, 1e-5, 1e-5));
}

TEST_P(NetworkContract, RejectsOtherInputs) {
  auto batch = batch_of(2);
  batch.inputs = reads_text() ? torch::full({2, kLength}, kSymbols) : torch::zeros({2, 1, 16, 16});
  EXPECT_THROW(make()->forward(batch, nullptr), ShapeError);
}

}  // namespace
}  // namespace heterodyne::network_test
