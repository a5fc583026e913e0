// SoftMoeLayer: a mixture of experts without choices (Puigcerver et al. 2023, "From Sparse to Soft Mixtures of
// Experts"). An expert has slots; a slot is a weighted mean of all tokens of a sequence, and a token's answer is a
// weighted mean of the experts' answers to all slots. Nothing is dropped and everything has a gradient. A token sees
// the whole sequence through the slots: for images and encoders, not for generating text.
//
// Letters: B sequences, S tokens of a sequence, D width, O output width, E experts, P slots of an expert, Q = E x P.
#pragma once

#include <memory>
#include <vector>

#include "heterodyne/layer/moe_layer.h"

namespace heterodyne {

struct SoftMoeOptions {
  int64_t slots_per_expert = 1;
  std::vector<Member> experts;
  /// `is_used` is false where a network can have such layers and has none; its settings are errors then.
  void visit(Fields& field, bool is_used = true) {
    const auto used = effective_when(is_used, "layers = []");
    field("slots_per_expert", slots_per_expert,
          "slots of an expert; as much is computed as for single experts when all slots are as many as tokens",
          at_least(1), used);
    field("experts", experts, "groups of experts, of kinds that answer rows one by one",
          member_of(heterodyne::experts()), used);
  }
};

class SoftMoeLayer : public torch::nn::Module {
 public:
  /// The context's init is named as the layer, "layers.0". Throws ConfigError when there is no expert or one that needs
  /// to see whole sequences.
  SoftMoeLayer(const SoftMoeOptions& options, const MoeContext& context);

  /// [B, S, O]. Tokens where input.mask_BS is false are in no slot, and their answers are zero. Scores are computed in
  /// float32 at least. Throws ShapeError unless x_BSD is [B, S, D].
  torch::Tensor forward(const MoeInput& input);

  int64_t num_experts() const { return static_cast<int64_t>(experts_.size()); }
  int64_t num_slots() const { return num_experts() * slots_per_expert_; }
  /// MACs for `num_tokens` tokens in sequences of `length`.
  CostPair cost(double num_tokens, int64_t length) const;

 private:
  torch::Tensor scores(const torch::Tensor& x_BSD) const;
  torch::Tensor answers(const torch::Tensor& slot_BQD, const RandomKey& random);

  std::string name_;
  int64_t width_, output_width_, slots_per_expert_;
  std::vector<std::shared_ptr<Expert>> experts_;
  torch::Tensor slot_DQ_;  // the direction that each slot looks in
  torch::Tensor scale_;    // of the scores
};

}  // namespace heterodyne
