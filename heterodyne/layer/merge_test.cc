#include "heterodyne/layer/merge.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::merge_test {
namespace {

std::shared_ptr<MoeLayer> layer_of(const char* kind = "mlp") {
  return fixtures::layer_of(
      {{"experts", Array{Table{{"kind", kind}, {"hidden", 8}, {"count", 3}}, Table{{"kind", "lstm_cell"}}}}});
}

std::map<std::string, torch::Tensor> values_of(const MoeLayer& layer, int64_t id) {
  std::map<std::string, torch::Tensor> values;
  const auto& slot = layer.slots()[static_cast<size_t>(position_of(layer, id))];
  for (const auto& value : slot.expert->named_parameters()) values[value.key()] = value.value().detach();
  return values;
}

torch::Tensor answer(const MoeLayer& layer, int64_t id) {
  const auto x_BSD = fixtures::normal("x", {2, 5, 16});
  const torch::NoGradGuard no_grad;
  return layer.slots()[static_cast<size_t>(position_of(layer, id))].expert->forward(
      {x_BSD.view({10, 16}), torch::arange(10), x_BSD, {}, {1, 1}});
}

// Gives expert 1 the neurons of expert 0 in this order.
void shuffle(MoeLayer& layer, const torch::Tensor& order) {
  const torch::NoGradGuard no_grad;
  auto to = values_of(layer, 1);
  for (const auto& [name, value] : values_of(layer, 0)) {
    const bool is_out = name == "down.weight" || name == "w2.weight", is_shared = name == "down.bias";
    to[name].copy_(is_shared ? value : value.index_select(is_out ? 1 : 0, order));
  }
}

const auto kOrder = torch::tensor({3, 7, 0, 1, 6, 2, 5, 4}, torch::kInt64);

TEST(Merge, FindsNeuronsInAnotherOrder) {
  for (const char* kind : {"mlp", "swiglu"}) {
    const auto layer = layer_of(kind);
    shuffle(*layer, kOrder);
    const auto& slots = layer->slots();
    const auto match = matched_neurons(slots[0].expert->as_mlp(), slots[1].expert->as_mlp());
    // Neuron 0 of expert 0 is the third of expert 1.
    EXPECT_EQ(match, (std::vector<int64_t>{2, 3, 5, 0, 7, 6, 4, 1})) << kind;
  }
}

TEST(Merge, WithACopyInAnotherOrderChangesNothing) {
  for (const char* kind : {"mlp", "swiglu"}) {
    const auto layer = layer_of(kind);
    shuffle(*layer, kOrder);
    const auto before = answer(*layer, 0);
    EXPECT_TRUE(torch::allclose(before, answer(*layer, 1), 1e-5, 1e-6));
    merge_experts(*layer, 0, 1);
    EXPECT_EQ(layer->ids(), (std::vector<int64_t>{0, 2, 3}));
    EXPECT_TRUE(torch::allclose(answer(*layer, 0), before, 1e-5, 1e-6)) << kind;
  }
}

// Without matching a weight of three to one is a quarter of the way.
TEST(Merge, WeighsAsItIsTold) {
  const auto layer = layer_of();
  const torch::NoGradGuard no_grad;
  for (auto& [name, value] : values_of(*layer, 1)) value.copy_(values_of(*layer, 0)[name] * 2);
  auto gate_ED = layer->router().embeddings();
  const auto expected_D = (gate_ED[0] * 0.75 + gate_ED[1] * 0.25).clone();
  const auto up = values_of(*layer, 0)["up.weight"].clone();
  const auto resized = merge_experts(*layer, 0, 1, 3, 1);
  EXPECT_TRUE(torch::allclose(values_of(*layer, 0)["up.weight"], up * 1.25, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(layer->router().embeddings()[0], expected_D, 1e-5, 1e-6));
  ASSERT_EQ(resized.changes.size(), 1U);
  EXPECT_EQ(resized.changes[0].source_E, (std::vector<int64_t>{0, 2, 3}));
  EXPECT_EQ(resized.id, 1);
}

TEST(Merge, RefusesWhatHasNoNeuronsToMatch) {
  const auto layer = layer_of();
  const auto complaint = [&](int64_t id, int64_t other) {
    return fixtures::message_of<Error>([&] { merge_experts(*layer, id, other); });
  };
  EXPECT_EQ(complaint(0, 0), "[layers.0] merge: expected two experts, got expert 0 twice");
  EXPECT_EQ(complaint(0, 9), "[layers.0] expert 9: not in this layer");
  EXPECT_EQ(complaint(0, 3), "[layers.0] merge: expected feed-forward experts, expert 3 is of kind lstm_cell");
  const auto unequal = fixtures::layer_of({{"experts", Array{Table{{"kind", "mlp"}, {"hidden", Array{8, 24}}}}}});
  EXPECT_EQ(fixtures::message_of<Error>([&] { merge_experts(*unequal, 0, 1); }),
            "[layers.0] merge: expected experts of one group and size, expert 0 has 8 neurons, expert 1 has 24");
  EXPECT_EQ(layer->num_experts(), 4);
}

}  // namespace
}  // namespace heterodyne::merge_test
