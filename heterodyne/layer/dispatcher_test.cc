// The promises of dispatcher.h, kept by every kind: they all compute what `dense` computes.
#include "heterodyne/layer/dispatcher.h"

#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"
#include "heterodyne/ops/cases.h"
#include "heterodyne/ops/isa.h"

namespace heterodyne::dispatcher_test {
namespace {

constexpr int64_t D = 16;

class DispatcherContract : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kinds, DispatcherContract, testing::ValuesIn(dispatchers().names()),
                         [](const auto& test) { return test.param; });

std::vector<std::shared_ptr<Expert>> experts_of(int64_t count) {
  const auto kinds = fixtures::mixed_experts();
  std::vector<std::shared_ptr<Expert>> all;
  for (int64_t e = 0; e < count; ++e) {
    const auto& table = *kinds[static_cast<size_t>(e) % kinds.size()].if_table();
    all.push_back(experts().make(Member(table), ExpertContext{D, D, 0, {7, "layers.0.experts." + std::to_string(e)}}));
  }
  return all;
}

struct Result {
  torch::Tensor y_TO;
  std::vector<torch::Tensor> gradients;
};

Result run(const std::string& kind, const ops::Case& c, const ExpertCall& call) {
  const auto expert_TK = ops::choices_of(c);
  const auto weight_TK = RandomStream("w").uniform({1, 0}, expert_TK.sizes()).requires_grad_();
  const auto routing =
      make_routing({expert_TK, weight_TK, {}, {}}, {call.x_TD(), 1, c.num_tokens, {}, {}, {}}, c.num_experts);
  Result result{dispatchers().make(Member(Table{{"kind", kind}}))->run(call, routing), {}};
  std::vector<torch::Tensor> inputs = {call.x_BSD, weight_TK};
  for (const auto& expert : call.experts) {
    for (const auto& parameter : expert->parameters()) inputs.push_back(parameter);
  }
  const auto loss = (result.y_TO * fixtures::normal("o", result.y_TO.sizes())).sum();
  result.gradients = torch::autograd::grad({loss}, inputs, {}, false, false, true);
  return result;
}

class DispatcherCombination : public testing::TestWithParam<std::tuple<std::string, bool>> {};
INSTANTIATE_TEST_SUITE_P(Kinds, DispatcherCombination,
                         testing::Combine(testing::ValuesIn(dispatchers().names()), testing::Bool()),
                         [](const auto& test) {
                           return std::get<0>(test.param) + (std::get<1>(test.param) ? "_log_mixture" : "_sum");
                         });

TEST_P(DispatcherCombination, EqualsDenseWithItsGradients) {
  const auto& [kind, is_log_mixture] = GetParam();
  for (const auto& c : ops::cases()) {
    if (c.num_tokens % 4 != 0 || c.num_tokens == 0) continue;
    const auto x_BSD = fixtures::normal("x", {c.num_tokens / 4, 4, D}).requires_grad_();
    const ExpertCall call{x_BSD, {}, {3, 5}, experts_of(c.num_experts), D, is_log_mixture};
    const auto ours = run(kind, c, call), dense = run("dense", c, call);
    EXPECT_TRUE(torch::allclose(ours.y_TO, dense.y_TO, 1e-4, 1e-5)) << c.name;
    for (size_t i = 0; i < ours.gradients.size(); ++i) {
      // An expert nobody chose has no gradient here and a zero one there.
      const auto& g = ours.gradients[i];
      const auto& expected = dense.gradients[i];
      EXPECT_TRUE(torch::allclose(g.defined() ? g : torch::zeros_like(expected), expected, 1e-4, 1e-4)) << c.name << i;
    }
  }
}

TEST_P(DispatcherCombination, ATokenWithoutExpertsGetsZeros) {
  const auto& [kind, is_log_mixture] = GetParam();
  const auto x_BSD = fixtures::normal("x", {1, 3, D});
  const ExpertCall call{x_BSD, {}, {}, experts_of(2), D, is_log_mixture};
  const auto expert_TK = torch::tensor({{0}, {-1}, {1}}, torch::kInt64);
  const auto routing = make_routing({expert_TK, torch::ones({3, 1}), {}, {}}, {call.x_TD(), 1, 3, {}, {}, {}}, 2);
  const auto y_TO = dispatchers().make(Member(Table{{"kind", kind}}))->run(call, routing);
  EXPECT_EQ(y_TO[1].abs().sum().item<double>(), 0);
  EXPECT_GT(y_TO[0].abs().sum().item<double>(), 0);
}

TEST_P(DispatcherContract, NoTokensGiveNoRows) {
  const ExpertCall call{torch::zeros({0, 4, D}), {}, {}, experts_of(2), D};
  const auto routing = make_routing({torch::zeros({0, 1}, torch::kInt64), torch::zeros({0, 1}), {}, {}},
                                    {call.x_TD(), 0, 4, {}, {}, {}}, 2);
  EXPECT_EQ(dispatchers().make(Member(Table{{"kind", GetParam()}}))->run(call, routing).sizes(),
            (std::vector<int64_t>{0, D}));
}

// Nothing is lost uncounted, and what may not drop admits everything.
TEST_P(DispatcherContract, AdmitsWhatThereIsRoomFor) {
  const auto expert_TK = torch::tensor({{0}, {1}, {1}, {1}}, torch::kInt64);
  const auto routing =
      make_routing({expert_TK, torch::ones({4, 1}), {}, {}}, {torch::zeros({4, D}), 1, 4, {}, {}, {}}, 2);
  const auto dispatcher = dispatchers().make(Member(Table{{"kind", GetParam()}}));
  const bool may_drop = dispatchers().find(GetParam()).may_drop;
  for (const bool training : {true, false}) {
    const auto admitted = dispatcher->admit(routing, {"layers.0", {3, 5}, training});
    EXPECT_EQ(admitted.num_pairs() + admitted.num_dropped, 4);
    EXPECT_TRUE(may_drop || admitted.num_dropped == 0);
  }
}

// What `local` computes in one op, over every size and each way to compute it, with and without others beside it.
TEST(LocalDispatcher, FeedForwardExpertsTogetherEqualDense) {
  const Array kinds{Table{{"kind", "swiglu"}, {"hidden", 40}},
                    Table{{"kind", "mlp"}, {"hidden", 65}, {"activation", "relu"}},
                    Table{{"kind", "geglu"}, {"hidden", 7}}, Table{{"kind", "low_rank"}, {"rank", 3}}};
  const ops::Isa before = ops::isa();
  for (const ops::Isa isa : ops::available_isas()) {
    ops::set_isa(isa);
    for (const size_t num_kinds : {size_t{3}, kinds.size()}) {
      for (const auto& c : ops::cases()) {
        if (c.num_tokens == 0) continue;
        const auto x_BSD = fixtures::normal("x", {1, c.num_tokens, D}).requires_grad_();
        ExpertCall call{x_BSD, {}, {3, 5}, {}, D};
        for (int64_t e = 0; e < c.num_experts; ++e) {
          const auto& table = *kinds[static_cast<size_t>(e) % num_kinds].if_table();
          const ExpertContext context{D, D, 0, {7, "layers.0.experts." + std::to_string(e)}};
          call.experts.push_back(experts().make(Member(table), context));
        }
        const auto ours = run("local", c, call), dense = run("dense", c, call);
        EXPECT_TRUE(torch::allclose(ours.y_TO, dense.y_TO, 1e-4, 1e-5)) << c.name << " " << ops::name_of(isa);
        for (size_t i = 0; i < ours.gradients.size(); ++i) {
          const auto& expected = dense.gradients[i];
          const auto g = ours.gradients[i].defined() ? ours.gradients[i] : torch::zeros_like(expected);
          EXPECT_TRUE(torch::allclose(g, expected, 1e-4, 1e-4)) << c.name << " " << i << " " << ops::name_of(isa);
        }
        run("checked", c, call);  // throws at a difference
      }
    }
  }
  ops::set_isa(before);
}

// Answers with the number of rows it was sent: what no expert may do.
struct CountingExpert : Expert {
  torch::Tensor forward(const ExpertInput& in) override {
    return torch::full_like(in.x_ND, static_cast<double>(in.x_ND.size(0)));
  }
  CostPair cost(const ExpertLoad& load) const override { return row_cost(1, load); }
};

TEST(CheckedDispatcher, FindsADifference) {
  const ExpertCall call{fixtures::normal("x", {1, 3, D}), {}, {}, {std::make_shared<CountingExpert>()}, D};
  const auto routing = make_routing({torch::tensor({{0}, {-1}, {0}}, torch::kInt64), torch::ones({3, 1}), {}, {}},
                                    {call.x_TD(), 1, 3, {}, {}, {}}, 1);
  const auto checked = dispatchers().make(Member(Table{{"kind", "checked"}}));
  try {
    checked->run(call, routing);
    FAIL();
  } catch (const CheckError& error) {
    EXPECT_STREQ(error.what(),
                 "[dispatcher.checked] local and dense: expected answers equal to 0.0001, got a difference of 0.333");
  }
}

TEST(Dispatcher, ExecutedRowsAreWhatItComputes) {
  const auto rows_E = torch::tensor({3.0, 1.0}, torch::kFloat64);
  const auto rows = [&](const char* kind) {
    return dispatchers().make(Member(Table{{"kind", kind}}))->executed_rows(rows_E, 4);
  };
  EXPECT_TRUE(torch::equal(rows("local"), rows_E));
  EXPECT_TRUE(torch::equal(rows("dense"), torch::tensor({4.0, 4.0}, torch::kFloat64)));
  EXPECT_TRUE(torch::equal(rows("checked"), torch::tensor({7.0, 5.0}, torch::kFloat64)));
}

}  // namespace
}  // namespace heterodyne::dispatcher_test
