// DMMoE's convolutional expert: the features of one token are a signal with one channel; two convolutions with a GELU
// between them, plus the input. Row-wise: it never looks at another token.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/init.h"
#include "heterodyne/ops/conv_gelu_conv.h"

namespace heterodyne {
namespace {

class Conv1dExpert : public Expert {
 public:
  struct Options {
    int64_t channels = 32;
    int64_t kernel = 5;
    void visit(Fields& field) {
      field("channels", channels, "channels between the two convolutions", at_least(1));
      field("kernel", kernel, "features each convolution sees, odd", at_least(1));
    }
  };

  Conv1dExpert(const Options& options, const ExpertContext& context)
      : where_(context.init.name + " conv1d"), width_(context.width) {
    check_same_width("conv1d", context);
    const int64_t C = options.channels, K = options.kernel;
    if (K % 2 == 0) throw ConfigError("expert.conv1d", "kernel", "expected an odd number, got " + std::to_string(K));
    constexpr auto kScheme = nn::Scheme::kHeNormal;
    const auto add = [&](const char* name, const torch::Tensor& value) { return register_parameter(name, value); };
    weights_.widen_CK = add("widen_weight", nn::initial_weight(kScheme, context.init.at("widen_weight"), {C, K}));
    weights_.widen_bias_C = add("widen_bias", torch::zeros({C}));
    // One output channel that sees all C: its fan-in is C x K.
    const auto narrow = nn::initial_weight(kScheme, context.init.at("narrow_weight"), {1, C, K});
    weights_.narrow_CK = add("narrow_weight", narrow.view({C, K}));
    weights_.narrow_bias = add("narrow_bias", torch::zeros({1}));
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", width_}});
    return input.x_ND + ops::conv_gelu_conv(input.x_ND, weights_);
  }

  CostPair cost(const ExpertLoad& load) const override {
    return row_cost(static_cast<double>(2 * weights_.widen_CK.numel() * width_), load);
  }

 private:
  std::string where_;
  int64_t width_;
  ops::ConvGeluConvWeights weights_;  // handles of the registered parameters
};

}  // namespace

ExpertKind expert_kind_conv1d() {
  return expert_kind<Conv1dExpert>("two convolutions over the features of a token, plus the input");
}

}  // namespace heterodyne
