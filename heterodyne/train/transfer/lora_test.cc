#include "heterodyne/train/transfer/lora.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/foreign.h"
#include "heterodyne/train/step.h"
#include "heterodyne/train/transfer/remade.h"

namespace heterodyne::lora_test {
namespace {

TrainedModel small_model(const Table& lora, const char* dtype = "float32") {
  const Array experts{Table{{"kind", "swiglu"}, {"count", 3}, {"hidden", 5}}};
  TrainedModel model;
  model.experiment = read_experiment({{"name", "small"},
                                      {"data", Table{{"kind", "text_lm"}, {"path", "a.txt"}, {"vocabulary", 11}}},
                                      {"train", Table{{"dtype", dtype}}},
                                      {"model", Table{{"kind", "llama"},
                                                      {"width", 8},
                                                      {"layers", 2},
                                                      {"heads", 2},
                                                      {"moe", Table{{"experts", experts}, {"layers", Array{1}}}},
                                                      {"dense", Table{{"kind", "swiglu"}, {"hidden", 12}}},
                                                      {"lora", lora}}}});
  model.network = make_network(model.experiment);
  model.network->eval();
  return model;
}

torch::Tensor answers(Network& network) {
  const torch::NoGradGuard no_grad;
  Batch batch;
  batch.inputs = torch::arange(16).remainder(11).view({2, 8});
  return network.forward(batch, nullptr).logit_BY;
}

// Corrections that are not zero.
void stir(Network& network) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network.named_parameters()) {
    if (is_lora_name(parameter.key()))
      parameter.value().copy_(RandomStream(parameter.key()).normal({7, 0}, parameter.value().sizes()) * 0.3);
  }
}

TEST(MergedLora, AnswersAsTheCorrectionsDid) {
  auto model = small_model({{"rank", 2}, {"targets", Array{"blocks.*.attention.*", "layers.0.w?"}}}, "float64");
  const auto plain = answers(*model.network);
  stir(*model.network);
  const auto before = answers(*model.network);
  EXPECT_GT((before - plain).abs().max().item<double>(), 1e-2);
  const auto merged = merged_lora(model);
  EXPECT_LE((answers(*merged.network) - before).abs().max().item<double>(), 1e-9);
  EXPECT_EQ(lora_of(merged.experiment).rank, 0);
  const DataShape data = network_shape(model.experiment);
  EXPECT_LE(disparity(*model.network, *merged.network, data), kLoraTolerance);
  EXPECT_GT(disparity(*small_model({}, "float64").network, *merged.network, data), kLoraTolerance);
  for (const auto& parameter : merged.network->named_parameters()) {
    EXPECT_FALSE(is_lora_name(parameter.key()));
    EXPECT_TRUE(parameter.value().requires_grad()) << parameter.key();
  }
  EXPECT_EQ(fixtures::message_of<CheckError>([&] { merged_lora(merged); }),
            "[merge-lora] expected a model with corrections (model.lora), got one without");
}

TEST(Peft, AnAdapterGoesOutAndComesBack) {
  const fixtures::TemporaryFolder folder;
  auto model = small_model({{"rank", 2}, {"alpha", 3.0}, {"targets", Array{"blocks.*.attention.*", "layers.0.w?"}}});
  stir(*model.network);
  write_peft(folder / "adapter", *model.network, lora_of(model.experiment), "small");
  const auto adapter = read_peft(folder / "adapter");
  EXPECT_EQ(adapter.lora.rank, 2);
  EXPECT_EQ(adapter.lora.alpha, 3);
  EXPECT_EQ(adapter.lora.targets.size(), 2U * 4 + 3);
  const auto again = with_adapter(small_model({}), adapter);
  EXPECT_TRUE(torch::equal(answers(*again.network), answers(*model.network)));
  save_model(folder / "saved", again.experiment, *again.network);
  const auto loaded = load_model(folder / "saved");
  EXPECT_TRUE(torch::equal(answers(*loaded.network), answers(*model.network)));
}

// What peft 0.21.2 computed; shared/data/golden_hf/lora_llama says how, and what to expect.
TEST(GoldenLora, AnswersGradientsAndThreeStepsAreThose) {
  const auto golden = fixtures::find_real_data("golden_hf");
  if (!golden) GTEST_SKIP() << "skipped: no data";
  const auto imported = import_model(*golden + "/llama_gqa_llama3_tied", "golden");
  const TrainedModel base{imported.experiment, {}, imported.network};
  const io::SafetensorsFile expected(*golden + "/lora_llama/expected.safetensors");
  Batch batch;
  batch.inputs = expected.tensor("input_ids");
  batch.mask_BS = expected.tensor("attention_mask").to(torch::kBool);
  const auto labels = expected.tensor("labels");  // of the token itself; ours are of the token before it
  batch.label_B = torch::full_like(labels, -100);
  batch.label_B.narrow(1, 0, 14).copy_(labels.narrow(1, 1, 14));
  const auto differs = [&](const TrainedModel& model, const char* name) {
    const torch::NoGradGuard no_grad;
    const auto difference = (model.network->forward(batch, nullptr).logit_BY - expected.tensor(name)).abs().amax(-1);
    return difference.masked_select(batch.mask_BS).max().item<double>();
  };
  EXPECT_LE(differs(base, "logits.base"), 2e-4);
  const auto adapter = read_peft(*golden + "/lora_llama");
  EXPECT_EQ(adapter.tensors.size(), 3U * 7 * 2);
  const auto model = with_adapter(base, adapter);
  EXPECT_LE(differs(model, "logits.step0"), 2e-4);

  const auto optimizer = optimizers().make(Member(Table{{"kind", "adamw"}, {"weight_decay", 0.01}}));
  const auto losses = expected.tensor("losses");
  // `kind` of every correction, under the name that write_peft() gives it.
  const auto compare = [&](const std::string& kind, double tolerance) {
    int64_t count = 0;
    for (const auto& parameter : model.network->named_parameters()) {
      if (!is_lora_name(parameter.key())) continue;
      const auto found = std::find_if(adapter.tensors.begin(), adapter.tensors.end(),
                                      [&](const auto& tensor) { return tensor.first == parameter.key(); });
      const auto place = static_cast<size_t>(found - adapter.tensors.begin());
      const io::SafetensorsFile file(*golden + "/lora_llama/adapter_model.safetensors");
      const auto wanted = expected.tensor(kind + "." + file.names()[place]);
      const auto& got = kind == "grad" ? parameter.value().grad() : parameter.value().detach();
      const double scale = kind == "grad" ? wanted.abs().max().item<double>() : 1;
      EXPECT_LE((got - wanted).abs().max().item<double>(), tolerance * scale) << kind << " " << parameter.key();
      ++count;
    }
    EXPECT_EQ(count, 42);
  };
  model.network->train();
  for (int64_t step = 0; step < 3; ++step) {
    const auto result = train_step(*model.network, *optimizer, {{batch}, 0.01});
    EXPECT_NEAR(result.loss, losses[step].item<double>(), 2e-5) << "step " << step;
    if (step == 0) compare("grad", 1e-5), compare("after_step1", 1e-5);
  }
  compare("after_step3", 1e-4);
  model.network->eval();
  EXPECT_LE(differs(model, "logits.step3"), 2e-4);
  const auto merged = merged_lora(model);
  EXPECT_LE(differs(merged, "logits.step3"), 2e-4);
  for (const auto& [ours, theirs] : {std::pair("blocks.0.attention.query", "model.layers.0.self_attn.q_proj"),
                                     {"layers.1.w2", "model.layers.1.mlp.down_proj"}}) {
    const auto wanted = expected.tensor(std::string("merged_after_step3.") + theirs + ".weight");
    const auto got = merged.network->named_parameters()[std::string(ours) + ".weight"];
    EXPECT_LE((got - wanted).abs().max().item<double>(), 1e-4) << ours;
  }
}

}  // namespace
}  // namespace heterodyne::lora_test
