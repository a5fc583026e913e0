// DMMoE's recurrent expert: one LSTM step from the zero state with the token as input; the answer is the hidden
// state. Row-wise. Both matrix products are computed and counted, as published; the one with the zero state learns
// nothing.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/lstm.h"

namespace heterodyne {
namespace {

class LstmCellExpert : public Expert {
 public:
  struct Options {
    void visit(Fields&) {}
  };

  LstmCellExpert(const Options&, const ExpertContext& context)
      : cell_(register_module(
            "cell", std::make_shared<nn::LstmCell>(context.width, context.output_width, context.init.at("cell")))) {}

  torch::Tensor forward(const ExpertInput& input) override {
    return cell_->forward(input.x_ND, cell_->zero_state(input.x_ND.size(0), input.x_ND)).hidden_NH;
  }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(cell_->macs(), load); }

 private:
  std::shared_ptr<nn::LstmCell> cell_;
};

}  // namespace

ExpertKind expert_kind_lstm_cell() { return expert_kind<LstmCellExpert>("one LSTM step from the zero state"); }

}  // namespace heterodyne
