// The gated feed-forward expert of gpt-oss (OpenAI 2025, "gpt-oss-120b & gpt-oss-20b model card", section 2.1): a
// SwiGLU whose values are clamped and whose linear part has one added:
//   y = W2 ((u + 1) * g sigmoid(1.702 g)) + b2,  g = min(W1 x + b1, limit),  u = clamp(W3 x + b3, -limit, limit)
// Row-wise.
//
// Letters: N rows of this expert, D width, O output width, F hidden width.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class ClampedSwigluExpert : public Expert {
 public:
  struct Options {
    std::vector<int64_t> hidden = {256};
    double limit = 7;
    double sharpness = 1.702;
    void visit(Fields& field) {
      field("hidden", hidden, "hidden width; a list gives each expert of the group its own", list_or_one(),
            at_least(1));
      field("limit", limit, "gates are at most this, linear parts between it and its negative", more_than(0));
      field("sharpness", sharpness, "the gate g counts as g sigmoid(sharpness g)", more_than(0));
    }
  };

  ClampedSwigluExpert(const Options& options, const ExpertContext& context)
      : where_(context.init.name + " clamped_swiglu"), options_(options) {
    const int64_t F = options.hidden[static_cast<size_t>(context.index) % options.hidden.size()];
    const auto linear = [&](const char* name, int64_t inputs, int64_t outputs) {
      return register_module(
          name, std::make_shared<nn::Linear>(nn::LinearOptions{inputs, outputs, true}, context.init.at(name)));
    };
    w1_ = linear("w1", context.width, F);
    w2_ = linear("w2", F, context.output_width);
    w3_ = linear("w3", context.width, F);
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", w1_->weight().num_inputs()}});
    const auto gate_NF = w1_->forward(input.x_ND).clamp_max(options_.limit);
    const auto linear_NF = w3_->forward(input.x_ND).clamp(-options_.limit, options_.limit);
    return w2_->forward((linear_NF + 1) * gate_NF * (gate_NF * options_.sharpness).sigmoid());
  }

  CostPair cost(const ExpertLoad& load) const override {
    return row_cost(w1_->macs() + w2_->macs() + w3_->macs(), load);
  }

 private:
  std::string where_;
  Options options_;
  std::shared_ptr<nn::Linear> w1_, w2_, w3_;
};

}  // namespace

ExpertKind expert_kind_clamped_swiglu() {
  return expert_kind<ClampedSwigluExpert>("gpt-oss's feed-forward layer with a gate, its values clamped");
}

}  // namespace heterodyne
