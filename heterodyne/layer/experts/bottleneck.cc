// An adapter (Houlsby et al. 2019, arXiv 1902.00751, section 2.1): a few values are made of the token, an activation, a
// map back to the width, plus the token. It starts close to the identity. Row-wise.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class BottleneckExpert : public Expert {
 public:
  struct Options {
    std::vector<int64_t> hidden = {16};
    std::string activation = "gelu";
    double init_std = 0.01;
    void visit(Fields& field) {
      field("hidden", hidden, "width of the bottleneck; a list gives each expert of the group its own", list_or_one(),
            at_least(1));
      field("activation", activation, "between the two layers", one_of_activations());
      field("init_std", init_std, "standard deviation of the initial values of both matrices", more_than(0));
    }
  };

  BottleneckExpert(const Options& options, const ExpertContext& context)
      : where_(context.init.name + " bottleneck"), activation_(options.activation) {
    check_same_width("bottleneck", context);
    const int64_t D = context.width;
    const int64_t F = options.hidden[static_cast<size_t>(context.index) % options.hidden.size()];
    const auto linear = [&](const char* name, int64_t inputs, int64_t outputs) {
      const Init init = context.init.at(name);
      const nn::LinearOptions shape{inputs, outputs, true, nn::Scheme::kHeNormal};
      auto layer = register_module(name, std::make_shared<nn::Linear>(shape, init));
      const auto draw = init.at("weight").stream().normal({init.seed, 0}, {outputs, inputs});
      layer->weight().assign(draw * options.init_std);
      return layer;
    };
    down_ = linear("down", D, F);
    up_ = linear("up", F, D);
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", down_->weight().num_inputs()}});
    return input.x_ND + up_->forward(activate(activation_, down_->forward(input.x_ND)));
  }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(down_->macs() + up_->macs(), load); }

 private:
  std::string where_;
  std::string activation_;
  std::shared_ptr<nn::Linear> down_, up_;
};

}  // namespace

ExpertKind expert_kind_bottleneck() {
  return expert_kind<BottleneckExpert>("an adapter: down to a few values and back, plus the input");
}

}  // namespace heterodyne
