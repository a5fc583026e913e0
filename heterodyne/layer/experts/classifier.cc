// An expert of a mixture of distributions (Jacobs et al. 1991, "Adaptive mixtures of local experts", equation 1.3): two
// linear layers and the log of a softmax over the outputs, so that it answers with log-probabilities of classes. With
// `combine = "log_mixture"` the layer's answer is the log-probability that the mixture gives each class, and the cross
// entropy of it the mixture's own: no second softmax over probabilities. Row-wise.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class ClassifierExpert : public Expert {
 public:
  struct Options {
    std::vector<int64_t> hidden = {128};
    std::string activation = "relu";
    void visit(Fields& field) {
      field("hidden", hidden, "hidden width; a list gives each expert of the group its own", list_or_one(),
            at_least(1));
      field("activation", activation, "between the two layers", one_of_activations());
    }
  };

  ClassifierExpert(const Options& options, const ExpertContext& context)
      : where_(context.init.name + " classifier"), activation_(options.activation) {
    const int64_t F = options.hidden[static_cast<size_t>(context.index) % options.hidden.size()];
    const nn::LinearOptions first{context.width, F, true, nn::Scheme::kHeNormal};
    up_ = register_module("up", std::make_shared<nn::Linear>(first, context.init.at("up")));
    // Without nn::Scheme::kHeNormal: large first answers would make one class nearly certain.
    const nn::LinearOptions second{F, context.output_width};
    down_ = register_module("down", std::make_shared<nn::Linear>(second, context.init.at("down")));
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", up_->weight().num_inputs()}});
    return down_->forward(activate(activation_, up_->forward(input.x_ND))).log_softmax(1);
  }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(up_->macs() + down_->macs(), load); }

 private:
  std::string where_, activation_;
  std::shared_ptr<nn::Linear> up_, down_;
};

}  // namespace

ExpertKind expert_kind_classifier() {
  return expert_kind<ClassifierExpert>(
      "two linear layers that answer with log-probabilities, for combine = \"log_mixture\"");
}

}  // namespace heterodyne
