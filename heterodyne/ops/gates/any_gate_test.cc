#include "heterodyne/ops/gates/any_gate.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/base/random.h"

namespace heterodyne::ops::any_gate_test {
namespace {

torch::Tensor normal(const char* name, std::vector<int64_t> sizes, torch::ScalarType type = torch::kFloat64) {
  return RandomStream(name).normal({3, 0}, sizes).to(type);
}

AnyGateInput random_input(int64_t T, int64_t E, torch::ScalarType type = torch::kFloat64) {
  return {normal("dot", {T, E}, type), normal("length", {T, 1}, type).abs() + 1, 0.3 * normal("threshold", {E}, type),
          torch::full({1}, 1.5, type)};
}

// Cosines (.5, -.25, .5) and (-1, -2, -1.5); thresholds .25, 0, -.5.
AnyGateInput by_hand() {
  return {torch::tensor({{1.0, -.5, 1.0}, {-1.0, -2.0, -1.5}}), torch::tensor({{2.0}, {1.0}}),
          torch::tensor({.25, 0.0, -.5}), torch::tensor({2.0})};
}

TEST(AnyGate, ChoosesWhatLiesAboveItsThreshold) {
  auto input = by_hand();
  const auto chosen = any_gate(input, "here");
  EXPECT_TRUE(torch::equal(chosen.expert_TK, torch::tensor({{0, 2}, {-1, -1}}, torch::kInt64))) << chosen.expert_TK;
  EXPECT_TRUE(torch::equal(chosen.gate_TK, torch::tensor({{1.F, 1.F}, {0.F, 0.F}})));
  EXPECT_TRUE(torch::equal(chosen.logit_TE, torch::tensor({{1.F, -.5F, 1.F}, {-2.F, -4.F, -3.F}})));
  input.takes_best = true;
  EXPECT_TRUE(torch::equal(any_gate(input, "here").expert_TK, torch::tensor({{0, 2}, {0, -1}}, torch::kInt64)));
}

// With LibTorch's operators, one after the other.
AnyGateChoice plain(const AnyGateInput& input) {
  const auto cosine_TE = input.dot_TE / input.length_T1;
  const auto logit_TE = cosine_TE * input.scale;
  const auto chosen_TE = cosine_TE > input.threshold_E;
  const auto excess_TE = logit_TE.sigmoid() - (input.threshold_E * input.scale).sigmoid();
  const auto gate_TE = (excess_TE - excess_TE.detach() + 1) * chosen_TE.to(excess_TE.scalar_type());
  const auto most = std::max<int64_t>(1, chosen_TE.sum(1).max().item<int64_t>());
  const auto order_TE = cosine_TE.masked_fill(chosen_TE.logical_not(), -INFINITY).argsort(true, 1, true);
  const auto order_TK = order_TE.narrow(1, 0, most);
  return {order_TK.masked_fill(chosen_TE.gather(1, order_TK).logical_not(), -1), gate_TE.gather(1, order_TK), logit_TE};
}

TEST(AnyGate, EqualsPlainOperatorsForwardAndBackward) {
  for (const auto& [T, E] : {std::pair(1, 1), std::pair(7, 3), std::pair(300, 17), std::pair(513, 64)}) {
    auto input = random_input(T, E);
    const std::vector<torch::Tensor> leaves{input.dot_TE.requires_grad_(), input.length_T1.requires_grad_(),
                                            input.threshold_E.requires_grad_(), input.scale.requires_grad_()};
    const auto ours = any_gate(input, "here"), theirs = plain(input);
    ASSERT_TRUE(torch::equal(ours.expert_TK, theirs.expert_TK)) << T << " x " << E;
    EXPECT_TRUE(torch::allclose(ours.gate_TK, theirs.gate_TK, 1e-12, 1e-12));
    const auto u_TK = normal("u", ours.gate_TK.sizes().vec()), v_TE = normal("v", {T, E});
    for (const int parts : {1, 2, 3}) {
      const auto loss = [&](const AnyGateChoice& choice) {
        auto sum = torch::zeros({}, torch::kFloat64);
        if (parts & 1) sum = sum + (choice.gate_TK * u_TK).sum();
        if (parts & 2) sum = sum + (choice.logit_TE * v_TE).sum();
        return sum;
      };
      const auto found = torch::autograd::grad({loss(ours)}, leaves, {}, true, false, true);
      const auto expected = torch::autograd::grad({loss(theirs)}, leaves, {}, true, false, true);
      for (size_t i = 0; i < leaves.size(); ++i) {
        const auto wanted = expected[i].defined() ? expected[i] : torch::zeros_like(leaves[i]);
        EXPECT_TRUE(torch::allclose(found[i], wanted, 1e-10, 1e-12)) << i << " of " << T << " x " << E << ", " << parts;
      }
    }
  }
}

TEST(AnyGate, GivesTheSameBitsForAnyNumberOfThreads) {
  const int before = at::get_num_threads();
  std::vector<torch::Tensor> first;
  for (const int threads : {1, 2, 5}) {
    at::set_num_threads(threads);
    auto input = random_input(2000, 31, torch::kFloat32);
    for (auto* leaf : {&input.dot_TE, &input.length_T1, &input.threshold_E, &input.scale}) leaf->requires_grad_();
    const auto chosen = any_gate(input, "here");
    auto all =
        torch::autograd::grad({(chosen.gate_TK * normal("u", chosen.gate_TK.sizes().vec(), torch::kFloat32)).sum()},
                              {input.dot_TE, input.length_T1, input.threshold_E, input.scale});
    all.push_back(chosen.expert_TK);
    if (first.empty()) first = all;
    for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(torch::equal(all[i], first[i])) << i << ", " << threads;
  }
  at::set_num_threads(before);
}

TEST(AnyGate, NoTokensAreNoTrouble) {
  auto input = random_input(0, 4);
  input.dot_TE.requires_grad_();
  const auto chosen = any_gate(input, "here");
  EXPECT_EQ(chosen.expert_TK.sizes(), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(torch::autograd::grad({chosen.gate_TK.sum()}, {input.dot_TE})[0].numel(), 0);
}

TEST(AnyGate, NamesWhatDoesNotFit) {
  auto input = random_input(600, 3, torch::kFloat32);
  input.dot_TE[300][1] = NAN;
  input.dot_TE[599][2] = NAN;
  EXPECT_EQ(fixtures::message_of<Error>([&] { any_gate(input, "here"); }),
            "[here] scores: expected numbers, got NaN for 2 of 600 tokens, the first is token 300");
  input.threshold_E = torch::zeros({4});
  EXPECT_THROW(any_gate(input, "here"), ShapeError);
  input.threshold_E = torch::zeros({3}, torch::kFloat64);
  EXPECT_THROW(any_gate(input, "here"), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::any_gate_test
