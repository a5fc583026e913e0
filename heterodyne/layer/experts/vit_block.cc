// Pre-norm transformer block (Dosovitskiy et al. 2021, equations 2 and 3) as an expert: x += attention(norm(x)), then
// x += feed-forward(norm(x)). A context kind: its rows ask, every token of their sequences answers, so an answer does
// not depend on which other tokens chose this expert. Queries, output projection and feed-forward part are computed
// for its rows only, keys and values for all tokens.
#include <ATen/ops/cat.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/attention.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {
namespace {

class VitBlockExpert : public Expert {
 public:
  struct Options {
    int64_t heads = 4;
    int64_t hidden = 256;
    double dropout = 0;
    bool causal = false;
    void visit(Fields& field) {
      field("heads", heads, "attention heads, a divisor of the width", at_least(1));
      field("hidden", hidden, "hidden width of the feed-forward part", at_least(1));
      field("dropout", dropout, "share dropped of the attention weights and of the hidden values", between(0, 0.99));
      field("causal", causal, "whether a token sees none of the later ones, as text needs");
    }
  };

  VitBlockExpert(const Options& options, const ExpertContext& context)
      : where_(context.init.name + " vit_block"), is_causal_(options.causal) {
    check_same_width("vit_block", context);
    const int64_t D = context.width, F = options.hidden;
    const Init& init = context.init;
    attention_norm_ = register_module("attention_norm", std::make_shared<nn::LayerNorm>(D));
    attention_ = register_module(
        "attention", std::make_shared<nn::Attention>(
                         nn::AttentionOptions{D, options.heads, options.dropout, nn::Scheme::kHeNormal, options.causal},
                         init.at("attention")));
    feed_forward_norm_ = register_module("feed_forward_norm", std::make_shared<nn::LayerNorm>(D));
    up_ = register_module(
        "up", std::make_shared<nn::Linear>(nn::LinearOptions{D, F, true, nn::Scheme::kHeNormal}, init.at("up")));
    dropout_ = register_module("dropout", std::make_shared<nn::Dropout>(options.dropout, init.at("dropout")));
    down_ = register_module(
        "down", std::make_shared<nn::Linear>(nn::LinearOptions{F, D, true, nn::Scheme::kHeNormal}, init.at("down")));
  }

  torch::Tensor forward(const ExpertInput& in) override {
    check_shape(where_, "x_ND", in.x_ND, {"N", {"D", up_->weight().num_inputs()}});
    check_shape(where_, "x_BSD", in.x_BSD, {"B", "S", {"D", up_->weight().num_inputs()}});
    const Seen seen = seen_of(in);
    const auto asking_ND = attention_norm_->forward(in.x_ND);
    const auto all_BSD = attention_norm_->forward(seen.x_BSD);
    const auto x_ND = in.x_ND + attention_->forward(asking_ND, seen.token_N, all_BSD, seen.mask_BS, in.random);
    const auto hidden_NF = activate("gelu", up_->forward(feed_forward_norm_->forward(x_ND)));
    return x_ND + down_->forward(dropout_->forward(hidden_NF, in.random, in.token_N));
  }

  bool needs_context() const override { return true; }
  bool is_causal() const override { return is_causal_; }

  // Routed: each row pays for its own query, key, value and feed-forward part. Executed: keys and values of all tokens.
  CostPair cost(const ExpertLoad& load) const override {
    const double row = attention_->macs_per_row(load.length) + up_->macs() + down_->macs();
    const double token = attention_->macs_per_token();
    CostPair cost = row_cost(row + token, load);
    cost.executed.macs = load.rows > 0 ? row * load.rows + token * load.tokens : 0;
    return cost;
  }

 private:
  // The sequences that attention reads, and where the rows stand in them.
  struct Seen {
    torch::Tensor x_BSD, token_N, mask_BS;
  };

  // A text that is continued begins with what came before. Without causality nothing can be continued.
  Seen seen_of(const ExpertInput& in) const {
    if (!is_causal_ || !in.past_BSD.defined() || in.past_BSD.size(1) == 0) return {in.x_BSD, in.token_N, in.mask_BS};
    const int64_t P = in.past_BSD.size(1), S = in.x_BSD.size(1);
    const auto sequence_N = in.token_N.div(S, "floor");
    Seen seen{at::cat({in.past_BSD, in.x_BSD}, 1), in.token_N + (sequence_N + 1) * P, {}};
    if (in.mask_BS.defined()) seen.mask_BS = at::cat({in.mask_BS.new_ones({in.x_BSD.size(0), P}), in.mask_BS}, 1);
    return seen;
  }

  std::string where_;
  bool is_causal_;
  std::shared_ptr<nn::LayerNorm> attention_norm_, feed_forward_norm_;
  std::shared_ptr<nn::Attention> attention_;
  std::shared_ptr<nn::Linear> up_, down_;
  std::shared_ptr<nn::Dropout> dropout_;
};

}  // namespace

ExpertKind expert_kind_vit_block() {
  return expert_kind<VitBlockExpert>("pre-norm transformer block over the token's whole sequence");
}

}  // namespace heterodyne
