// An LSTM over the whole sequence as an expert; it answers with the state after each of its rows. A context kind that
// is causal: the state has seen all tokens up to the row, whoever they were sent to, and of a text that is continued
// those before the batch too. Padding is skipped.
#include "heterodyne/nn/lstm.h"

#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class LstmExpert : public Expert {
 public:
  struct Options {
    std::vector<int64_t> hidden = {0};
    void visit(Fields& field) {
      field("hidden", hidden,
            "width of the state, of which a linear layer makes the answer; 0: the state is the answer; a list gives "
            "each expert of the group its own",
            list_or_one(), at_least(0));
    }
  };

  LstmExpert(const Options& options, const ExpertContext& context)
      : where_(context.init.name + " lstm"), width_(context.width), output_width_(context.output_width) {
    const int64_t wanted = options.hidden[static_cast<size_t>(context.index) % options.hidden.size()];
    const int64_t H = wanted > 0 ? wanted : output_width_;
    const Init& init = context.init;
    lstm_ = register_module("lstm", std::make_shared<nn::Lstm>(width_, H, false, init.at("lstm")));
    if (wanted == 0) return;
    output_ =
        register_module("output", std::make_shared<nn::Linear>(nn::LinearOptions{H, output_width_}, init.at("output")));
  }

  torch::Tensor forward(const ExpertInput& in) override {
    check_shape(where_, "x_ND", in.x_ND, {"N", {"D", width_}});
    check_shape(where_, "x_BSD", in.x_BSD, {"B", "S", {"D", width_}});
    if (in.x_ND.size(0) == 0) return in.x_ND.new_zeros({0, output_width_});
    const auto state_ND = states(in).index_select(0, in.token_N);
    return output_ ? output_->forward(state_ND) : state_ND;
  }

  bool needs_context() const override { return true; }

  // Routed: one step for each row. Executed: one for each token of the batch.
  CostPair cost(const ExpertLoad& load) const override {
    const double row = output_ ? output_->macs() : 0;
    CostPair cost = row_cost(row + lstm_->macs(), load);
    cost.executed.macs = load.rows > 0 ? row * load.rows + lstm_->macs() * load.tokens : 0;
    return cost;
  }

 private:
  // [T, H]: the state after each token of the batch.
  torch::Tensor states(const ExpertInput& in) const {
    const int64_t B = in.x_BSD.size(0), S = in.x_BSD.size(1), P = in.past_BSD.defined() ? in.past_BSD.size(1) : 0;
    auto x_BSD = in.x_BSD;
    torch::Tensor back_BS1;
    if (in.mask_BS.defined()) {
      // Padding goes behind the tokens, where none of them sees it. It may hold anything, NaN too.
      const auto is_padding_BS1 = in.mask_BS.logical_not().unsqueeze(2);
      const auto order_BS1 = at::argsort(is_padding_BS1.to(torch::kInt64), true, 1, false);
      x_BSD = x_BSD.masked_fill(is_padding_BS1, 0).gather(1, order_BS1.expand_as(x_BSD));
      back_BS1 = at::argsort(order_BS1, true, 1, false);
    }
    if (P > 0) x_BSD = at::cat({in.past_BSD, x_BSD}, 1);
    auto y_BSH = lstm_->forward(x_BSD).y_BSH.narrow(1, P, S);
    if (back_BS1.defined()) y_BSH = y_BSH.gather(1, back_BS1.expand_as(y_BSH));
    return y_BSH.reshape({B * S, lstm_->num_outputs()});
  }

  std::string where_;
  int64_t width_, output_width_;
  std::shared_ptr<nn::Lstm> lstm_;
  std::shared_ptr<nn::Linear> output_;  // null: the state is the answer
};

}  // namespace

ExpertKind expert_kind_lstm() {
  return expert_kind<LstmExpert>("the state of an LSTM that reads the token's whole sequence up to it");
}

}  // namespace heterodyne
