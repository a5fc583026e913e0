#include "heterodyne/train/transfer/pad.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/foreign.h"

namespace heterodyne::pad_test {
namespace {

TrainedModel model_of(const Table& moe) {
  TrainedModel model;
  model.experiment =
      read_experiment({{"name", "own"},
                       {"data", Table{{"kind", "text_lm"}, {"path", "a.txt"}, {"vocabulary", 11}}},
                       {"model", Table{{"kind", "llama"}, {"width", 8}, {"layers", 2}, {"heads", 2}, {"moe", moe}}}});
  model.network = make_network(model.experiment);
  model.network->eval();
  return model;
}

Table swiglu(Value hidden) { return {{"kind", "swiglu"}, {"hidden", std::move(hidden)}}; }

torch::Tensor answers(Network& network) {
  const torch::NoGradGuard no_grad;
  Batch batch;
  batch.inputs = torch::arange(16).remainder(11).view({2, 8});
  return network.forward(batch, nullptr).logit_BY;
}

// Three experts in each layer, of 3, 5 and 7 neurons in the first, of 4, 4 and 6 in the second, in two groups.
TEST(PaddedExperts, AnswerAsBeforeAndHaveAForm) {
  const Table router{{"kind", "top_k"}, {"k", 2}};
  const Table second{{"router", router}, {"experts", Array{swiglu(Array{4, 4}), swiglu(6)}}};
  const auto model =
      model_of({{"router", router}, {"experts", Array{swiglu(Array{3, 5, 7})}}, {"layer", Table{{"1", second}}}});
  const fixtures::TemporaryFolder out;
  auto unequal = model;
  EXPECT_THROW(export_model(unequal, {}, out / "no"), CheckError);
  auto padded = padded_experts(model);
  EXPECT_TRUE(torch::allclose(answers(*padded.model.network), answers(*model.network), 1e-5, 1e-6));
  EXPECT_EQ(padded.num_before, 3 * 8 * (3 + 5 + 7 + 4 + 4 + 6));
  EXPECT_EQ(padded.num_after, 3 * 8 * 6 * 7);
  std::string kind;
  export_model(padded.model, {}, out / "hf", &kind);
  EXPECT_EQ(kind, "mixtral");
  const auto again = import_model(out / "hf", "again");
  EXPECT_TRUE(torch::allclose(answers(*again.network), answers(*model.network), 1e-5, 1e-6));
}

TEST(PaddedExperts, WhatCannotBePaddedIsNamed) {
  const auto refusal = [](const Table& moe) {
    const auto model = model_of(moe);
    return fixtures::message_of<CheckError>([&] { padded_experts(model); });
  };
  EXPECT_EQ(refusal({{"experts", Array{swiglu(3), Table{{"kind", "mlp"}, {"hidden", 4}}}}}),
            "[export] --pad: layers.0: expected experts of kind swiglu, got mlp");
  const Table three{{"experts", Array{swiglu(Array{4, 4, 4})}}};
  EXPECT_EQ(refusal({{"experts", Array{swiglu(Array{3, 5})}}, {"layer", Table{{"1", three}}}}),
            "[export] --pad: layers.1: expected 2 experts, as in the layers before it, got 3");
  const Table other{{"router", Table{{"kind", "top_p"}}}, {"experts", Array{swiglu(Array{4, 4})}}};
  EXPECT_EQ(refusal({{"experts", Array{swiglu(Array{3, 5})}}, {"layer", Table{{"1", other}}}}),
            "[export] --pad: layers.1: expected the same router as in layers.0, got another");
}

}  // namespace
}  // namespace heterodyne::pad_test
