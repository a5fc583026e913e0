// Two linear layers with an activation between them: the usual feed-forward expert. Row-wise; no residual of its own.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class MlpExpert : public Expert {
 public:
  struct Options {
    std::vector<int64_t> hidden = {256};
    std::string activation = "gelu";
    bool bias = true;
    void visit(Fields& field) {
      field("hidden", hidden, "hidden width; a list gives each expert of the group its own", list_or_one(),
            at_least(1));
      field("activation", activation, "between the two layers", one_of_activations());
      field("bias", bias, "whether both layers add a bias");
    }
  };

  MlpExpert(const Options& options, const ExpertContext& context)
      : where_(context.init.name + " mlp"), activation_(options.activation) {
    const int64_t hidden = options.hidden[static_cast<size_t>(context.index) % options.hidden.size()];
    const auto linear = [&](const char* name, int64_t inputs, int64_t outputs) {
      const nn::LinearOptions shape{inputs, outputs, options.bias, nn::Scheme::kHeNormal};
      return register_module(name, std::make_shared<nn::Linear>(shape, context.init.at(name)));
    };
    up_ = linear("up", context.width, hidden);
    down_ = linear("down", hidden, context.output_width);
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", up_->weight().num_inputs()}});
    return down_->forward(activate(activation_, up_->forward(input.x_ND)));
  }

  ops::ExpertMlp as_mlp() const override {
    const auto up = up_->weight().operand(), down = down_->weight().operand();
    ops::ExpertMlp mlp{activation_of(activation_), up.matrix_OI, down.matrix_OI};
    mlp.up_bias_F = up_->bias();
    mlp.down_bias_O = down_->bias();
    mlp.up_panels = up.panels, mlp.down_panels = down.panels;
    mlp.up_compact = up.compact, mlp.down_compact = down.compact;
    return mlp;
  }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(up_->macs() + down_->macs(), load); }

 private:
  std::string where_;
  std::string activation_;
  std::shared_ptr<nn::Linear> up_, down_;
};

}  // namespace

ExpertKind expert_kind_mlp() { return expert_kind<MlpExpert>("two linear layers with an activation between them"); }

}  // namespace heterodyne
