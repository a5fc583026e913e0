#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"
#include "heterodyne/model/network.h"

namespace heterodyne::lstm_lm_test {
namespace {

std::shared_ptr<Network> model_of(Table settings, int64_t symbols = 65) {
  settings.set("kind", "lstm_lm");
  if (!settings.contains("moe")) settings.set("moe", Table{{"experts", Array{Table{{"kind", "mlp"}, {"count", 3}}}}});
  DataShape shape;
  shape.vocabulary = shape.num_classes = symbols;
  shape.length = 8;
  return networks().make(Member(settings), NetworkContext{shape, 1});
}

std::string refusal(const Table& settings) {
  return fixtures::message_of<ConfigError>([&] { model_of(settings); });
}

Batch batch_of(const torch::Tensor& ids) {
  Batch batch{ids, {}, {}, {}, {3, 5}};
  return batch;
}

// Shazeer et al. 2017, table 7: MoE-32 has 37.8 million parameters without embedding and softmax. Two LSTMs of
// 2 x 512 x 2048 and 32 experts of 2 x 512 x 1024.
TEST(LstmLm, HasThePapersSize) {
  const Table experts{{"kind", "mlp"}, {"count", 32}, {"hidden", 1024}, {"activation", "relu"}};
  const auto model = model_of({{"width", 512}, {"moe", Table{{"experts", Array{experts}}}}});
  const int64_t inside = num_params(*model) - 65 * 512 - (65 * 512 + 65);
  EXPECT_NEAR(static_cast<double>(inside), 37.8e6, 0.05e6);
}

// Operations of a time step: 2 million in each LSTM, 4 in the mixture of four experts (appendix C.1).
TEST(LstmLm, CostsWhatThePaperSays) {
  const Table experts{{"kind", "mlp"}, {"count", 32}, {"hidden", 1024}, {"activation", "relu"}};
  const Table router{{"kind", "top_k"}, {"k", 4}};
  const auto model = model_of({{"width", 512}, {"moe", Table{{"experts", Array{experts}}, {"router", router}}}});
  EXPECT_NEAR(even_cost(*model).routed.macs, 8.4e6, 0.05e6);
}

TEST(LstmLm, NoAnswerDependsOnLaterTokens) {
  const auto model = model_of({});
  model->eval();
  EXPECT_TRUE(model->is_causal());
  const auto ids = torch::arange(16).view({2, 8});
  auto other = ids.clone();
  other.narrow(1, 5, 3).fill_(60);
  const auto a = model->forward(batch_of(ids), nullptr).logit_BY, b = model->forward(batch_of(other), nullptr).logit_BY;
  EXPECT_TRUE(torch::allclose(a.narrow(1, 0, 5), b.narrow(1, 0, 5), 1e-6, 1e-6));
  EXPECT_FALSE(torch::allclose(a.narrow(1, 5, 3), b.narrow(1, 5, 3), 1e-6, 1e-6));
}

TEST(LstmLm, CarriesTheStateOfEachLstmOnItsOwn) {
  const auto model = model_of({});
  const auto output = model->forward(batch_of(torch::arange(16).view({2, 8})), nullptr);
  ASSERT_EQ(output.carry.size(), 4U);
  EXPECT_FALSE(torch::equal(output.carry[0], output.carry[2]));
  EXPECT_FALSE(output.carry[0].requires_grad());
  EXPECT_TRUE(
      model_of({{"carry_state", false}})->forward(batch_of(torch::arange(16).view({2, 8})), nullptr).carry.empty());
}

TEST(LstmLm, TheFirstSequencesOfABatchMayGoOnAlone) {
  const auto model = model_of({});
  model->eval();
  auto batch = batch_of(torch::arange(24).view({3, 8}));
  batch.carry = model->forward(batch, nullptr).carry;
  const auto whole = model->forward(batch, nullptr).logit_BY;
  batch.inputs = batch.inputs.narrow(0, 0, 2);
  EXPECT_TRUE(torch::allclose(model->forward(batch, nullptr).logit_BY, whole.narrow(0, 0, 2), 1e-6, 1e-6));
}

// With all weights of the last LSTM at zero its answer is zero: in the paper's form the input goes by it.
TEST(LstmLm, ThePapersFormHasResiduals) {
  for (const std::string compat : {"paper", "port"}) {
    const auto model = model_of({{"compat", compat}, {"dropout", 0.0}});
    const torch::NoGradGuard no_grad;
    for (const auto& parameter : model->named_parameters()) {
      if (parameter.key().starts_with("lstms.1.")) parameter.value().zero_();
      if (parameter.key() == "head.bias") parameter.value().zero_();
    }
    const auto logits = model->forward(batch_of(torch::arange(16).view({2, 8})), nullptr).logit_BY;
    EXPECT_EQ(logits.abs().max().item<double>() == 0, compat == "port") << compat;
  }
}

TEST(LstmLm, RefusesWhatSeesTheFuture) {
  EXPECT_EQ(
      refusal({{"bidirectional", true}}),
      "[network.lstm_lm] bidirectional: expected false: a language model that reads backwards sees the tokens it is to "
      "predict. Ports that do so: compat = \"port\" and allow_leak = true");
  EXPECT_EQ(refusal({{"bidirectional", true}, {"compat", "port"}}),
            "[model] allow_leak: expected true for a language model that sees the tokens it is to predict: the LSTMs "
            "run in both directions");
  const Table blind{{"moe", Table{{"experts", Array{Table{{"kind", "vit_block"}, {"count", 2}}}}}}};
  EXPECT_NE(refusal(blind).find("is to predict: layers.0: expert kind \"vit_block\" looks at later tokens"),
            std::string::npos);
  const auto leaking = model_of({{"bidirectional", true}, {"compat", "port"}, {"allow_leak", true}});
  EXPECT_FALSE(leaking->is_causal());
  EXPECT_EQ(leaking->forward(batch_of(torch::arange(16).view({2, 8})), nullptr).logit_BY.size(2), 65);
}

TEST(LstmLm, RefusesRoutersThatChooseAmongLaterTokens) {
  for (const std::string kind : {"expert_choice", "sinkhorn", "base"}) {
    if (routers().find(kind).traits.is_causal) continue;
    const Table moe{{"experts", Array{Table{{"kind", "mlp"}, {"count", 3}}}}, {"router", Table{{"kind", kind}}}};
    EXPECT_NE(
        refusal({{"moe", moe}}).find("layers.0: router \"" + kind + "\" lets later tokens decide about earlier ones"),
        std::string::npos)
        << kind;
    EXPECT_FALSE(model_of({{"moe", moe}, {"allow_leak", true}})->is_causal());
  }
  EXPECT_FALSE(routers().find("expert_choice").traits.is_causal);
}

TEST(LstmLm, ASoftMixtureSeesTheFutureToo) {
  const Table soft{{"layers", Array{0}}, {"experts", Array{Table{{"kind", "mlp"}, {"hidden", 8}, {"count", 2}}}}};
  EXPECT_EQ(refusal({{"soft_moe", soft}}),
            "[model] allow_leak: expected true for a language model that sees the tokens it is to predict: layers.0: "
            "the slots of a soft mixture are means of all tokens of a window, later ones too");
  const auto model = model_of({{"soft_moe", soft}, {"moe", Table()}, {"allow_leak", true}});
  EXPECT_FALSE(model->is_causal());
  EXPECT_TRUE(model->moe_layers().empty());
  const auto ids = torch::arange(16).view({2, 8});
  EXPECT_EQ(model->forward(batch_of(ids), nullptr).logit_BY.sizes(), (std::vector<int64_t>{2, 8, 65}));
  EXPECT_EQ(refusal({{"soft_moe", Table{{"layers", Array{1}}, {"experts", soft.find("experts")->if_array()[0]}}}}),
            "[network.lstm_lm] soft_moe.layers: expected an index below 1, as no Mixture of Experts follows the last "
            "LSTM");
}

TEST(LstmLm, RefusesOneLayer) {
  EXPECT_EQ(refusal({{"layers", 1}}),
            "[network.lstm_lm] layers: expected at least 2, as the Mixture of Experts stands between LSTMs, got 1");
}

TEST(LstmLm, SingleLayersMayDiffer) {
  const Table moe{{"experts", Array{Table{{"kind", "mlp"}, {"count", 3}}}},
                  {"layer", Table{{"1", Table{{"experts", Array{Table{{"kind", "mlp"}, {"count", 7}}}}}}}}};
  const auto model = model_of({{"layers", 3}, {"moe", moe}});
  EXPECT_EQ(model->moe_layers()[0]->num_experts(), 3);
  EXPECT_EQ(model->moe_layers()[1]->num_experts(), 7);
  EXPECT_EQ(refusal({{"layers", 2}, {"moe", moe}}),
            "[network.lstm_lm] moe.layer.1: expected an index below 1, as no Mixture of Experts follows the last LSTM");
}

}  // namespace
}  // namespace heterodyne::lstm_lm_test
