// A mixture of the token and a learned vector, a_1 x + a_2 v with (a_1, a_2) = softmax(W_c x) (MoE++, Jin et al. 2024,
// arXiv 2410.07348, equation 5). Row-wise; costs next to nothing.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class ConstantExpert : public Expert {
 public:
  struct Options {
    void visit(Fields&) {}
  };

  ConstantExpert(const Options&, const ExpertContext& context) : where_(context.init.name + " constant") {
    check_same_width("constant", context);
    const nn::LinearOptions shape{context.width, 2, false};
    mix_ = register_module("mix", std::make_shared<nn::Linear>(shape, context.init.at("mix")));
    const Init init = context.init.at("vector");
    vector_D_ = register_parameter("vector", init.stream().normal({init.seed, 0}, {context.width}));
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", vector_D_.size(0)}});
    const auto share_N2 = mix_->forward(input.x_ND).softmax(-1);
    return share_N2.narrow(1, 0, 1) * input.x_ND + share_N2.narrow(1, 1, 1) * vector_D_;
  }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(mix_->macs(), load); }

 private:
  std::string where_;
  std::shared_ptr<nn::Linear> mix_;
  torch::Tensor vector_D_;
};

}  // namespace

ExpertKind expert_kind_constant() {
  return expert_kind<ConstantExpert>("a learned vector and the token, in shares that the token decides");
}

}  // namespace heterodyne
