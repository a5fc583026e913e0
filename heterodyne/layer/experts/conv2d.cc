// A convolution over the image's grid of tokens as an expert: what lies around a token, k x k tokens, becomes
// `channels` values; a GELU and a linear layer make an update of them, which is added to the token. A context kind: the
// neighbourhoods are gathered for its rows only. Beyond the edge and at padding the grid holds zeros.
#include <fmt/format.h>

#include <cmath>

#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class Conv2dExpert : public Expert {
 public:
  struct Options {
    int64_t channels = 32;
    int64_t kernel = 3;
    int64_t columns = 0;
    void visit(Fields& field) {
      field("channels", channels, "channels between the convolution and the linear layer", at_least(1));
      field("kernel", kernel, "tokens along each side that the convolution sees, odd", between(1, 101));
      field("columns", columns, "tokens in a row of the grid; 0: the grid is a square", at_least(0));
    }
  };

  Conv2dExpert(const Options& options, const ExpertContext& context)
      : where_(context.init.name + " conv2d"), options_(options), width_(context.width) {
    check_same_width("conv2d", context);
    const int64_t K = options.kernel;
    if (K % 2 == 0) throw ConfigError("expert.conv2d", "kernel", "expected an odd number, got " + std::to_string(K));
    const auto linear = [&](const char* name, int64_t inputs, int64_t outputs) {
      const nn::LinearOptions shape{inputs, outputs, true, nn::Scheme::kHeNormal};
      return register_module(name, std::make_shared<nn::Linear>(shape, context.init.at(name)));
    };
    conv_ = linear("conv", K * K * width_, options.channels);
    up_ = linear("up", options.channels, width_);
  }

  torch::Tensor forward(const ExpertInput& in) override {
    check_shape(where_, "x_ND", in.x_ND, {"N", {"D", width_}});
    check_shape(where_, "x_BSD", in.x_BSD, {"B", "S", {"D", width_}});
    return in.x_ND + up_->forward(activate("gelu", conv_->forward(neighbourhoods(in))));
  }

  bool needs_context() const override { return true; }
  bool is_causal() const override { return false; }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(conv_->macs() + up_->macs(), load); }

 private:
  // How many tokens a row of the grid of S tokens holds.
  int64_t columns_of(int64_t S) const {
    const int64_t C = options_.columns > 0 ? options_.columns : std::lround(std::sqrt(static_cast<double>(S)));
    if (options_.columns > 0 && S % C != 0) {
      throw ShapeError(where_, fmt::format("x_BSD: expected a multiple of columns = {} tokens, got {}", C, S));
    }
    if (options_.columns == 0 && C * C != S) {
      throw ShapeError(where_, fmt::format("x_BSD: expected a square number of tokens, got {}; set columns", S));
    }
    return C;
  }

  // [N, K K D]: the tokens around each row, row of the grid by row.
  torch::Tensor neighbourhoods(const ExpertInput& in) const {
    const int64_t N = in.token_N.size(0), B = in.x_BSD.size(0), S = in.x_BSD.size(1), K = options_.kernel;
    if (N == 0) return in.x_ND.new_zeros({0, K * K * width_});
    const int64_t C = columns_of(S);
    const auto place_N = in.token_N.remainder(S);
    const auto offset_K = torch::arange(K) - K / 2;
    const auto row_NK1 = (place_N.div(C, "floor").unsqueeze(1) + offset_K).unsqueeze(2);
    const auto column_N1K = (place_N.remainder(C).unsqueeze(1) + offset_K).unsqueeze(1);
    auto is_seen_NKK = (row_NK1 >= 0) & (row_NK1 < S / C) & (column_N1K >= 0) & (column_N1K < C);
    const auto first_N11 = (in.token_N - place_N).view({N, 1, 1});
    const auto token_NKK = (first_N11 + row_NK1 * C + column_N1K).masked_fill(is_seen_NKK.logical_not(), 0);
    const auto token = token_NKK.view(-1);
    auto is_seen = is_seen_NKK.view(-1);
    if (in.mask_BS.defined()) is_seen = is_seen & in.mask_BS.reshape(-1).index_select(0, token);
    // masked_fill, not a product: padding may hold anything, NaN too.
    return in.x_BSD.reshape({B * S, width_})
        .index_select(0, token)
        .masked_fill(is_seen.logical_not().unsqueeze(1), 0)
        .view({N, K * K * width_});
  }

  std::string where_;
  Options options_;
  int64_t width_;
  std::shared_ptr<nn::Linear> conv_, up_;
};

}  // namespace

ExpertKind expert_kind_conv2d() {
  return expert_kind<Conv2dExpert>("a convolution over the image's grid of tokens, plus the input");
}

}  // namespace heterodyne
