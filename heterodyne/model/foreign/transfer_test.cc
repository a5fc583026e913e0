#include "heterodyne/model/foreign/transfer.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/layer/resize.h"

namespace heterodyne::transfer_test {
namespace {

Blueprint small(int64_t experts = 2) {
  return read_blueprint({{"model_type", "mixtral"},
                         {"vocab_size", 11},
                         {"hidden_size", 4},
                         {"num_hidden_layers", 1},
                         {"num_attention_heads", 2},
                         {"intermediate_size", 3},
                         {"num_local_experts", experts}},
                        "config.json");
}

std::shared_ptr<Network> network_of(const Blueprint& blueprint, uint64_t seed) {
  return networks().make(Member(blueprint.model), NetworkContext{blueprint.data, seed});
}

// 2 of embedding and head, 3 norms, 4 of attention, the router, 2 x 3 of experts.
TEST(Transfer, CountsWhatItMoved) {
  const fixtures::TemporaryFolder folder;
  const auto blueprint = small();
  const auto network = network_of(blueprint, 1);
  Coverage out;
  auto tensors = foreign_tensors(*network, blueprint, torch::kBFloat16, out);
  EXPECT_EQ(tensors.size(), 16U);
  EXPECT_EQ(tensors.front().second.scalar_type(), torch::kBFloat16);
  tensors.emplace_back("model.layers.0.self_attn.rotary_emb.inv_freq", torch::ones({1}));
  io::write_safetensors(folder / "model.safetensors", tensors);
  const auto other = network_of(blueprint, 2);
  const auto in = fill_network(*other, blueprint, io::TensorFiles(folder.path()));
  EXPECT_EQ(in.num_values, num_params(*network));
  EXPECT_EQ(in.sentence(),
            "16 of 17 source tensors used, 1 ignored by name (model.layers.0.self_attn.rotary_emb.inv_freq); 16 of 16 "
            "target tensors from the source, 0 left at their initial value; " +
                std::to_string(num_params(*network)) + " values compared");
  EXPECT_TRUE(torch::equal(other->named_parameters()["head.weight"],
                           network->named_parameters()["head.weight"].to(torch::kBFloat16).to(torch::kFloat32)));
}

// An expert's id stays its own when others go; the other side counts positions.
TEST(Transfer, ExpertsGoByPosition) {
  const auto network = network_of(small(3), 1);
  remove_expert(*network->moe_layers()[0], 1);
  Coverage coverage;
  const auto tensors = foreign_tensors(*network, small(2), torch::kFloat32, coverage);
  for (const auto& [name, tensor] : tensors) {
    if (name != "model.layers.0.block_sparse_moe.experts.1.w1.weight") continue;
    EXPECT_TRUE(torch::equal(tensor, network->named_parameters()["layers.0.experts.2.w1.weight"]));
  }
  EXPECT_NE(fixtures::message_of<CheckError>([&] {
              foreign_tensors(*network, small(3), torch::kFloat32, coverage);
            }).find("[export] the format expects layers.0.experts.2.w1.weight, which the model has not"),
            std::string::npos);
  EXPECT_NE(fixtures::message_of<CheckError>([&] {
              foreign_tensors(*network, small(1), torch::kFloat32, coverage);
            }).find("[export] the format has no place for layers.0.experts.1.w1.weight"),
            std::string::npos);
}

}  // namespace
}  // namespace heterodyne::transfer_test
