// One linear layer, W x + b: the smallest expert that mixes features. Row-wise.
#include "heterodyne/nn/linear.h"

#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"

namespace heterodyne {
namespace {

class LinearExpert : public Expert {
 public:
  struct Options {
    bool bias = true;
    void visit(Fields& field) { field("bias", bias, "whether a bias is added"); }
  };

  LinearExpert(const Options& options, const ExpertContext& context) : where_(context.init.name + " linear") {
    const nn::LinearOptions shape{context.width, context.output_width, options.bias};
    map_ = register_module("map", std::make_shared<nn::Linear>(shape, context.init.at("map")));
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", map_->weight().num_inputs()}});
    return map_->forward(input.x_ND);
  }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(map_->macs(), load); }

 private:
  std::string where_;
  std::shared_ptr<nn::Linear> map_;
};

}  // namespace

ExpertKind expert_kind_linear() { return expert_kind<LinearExpert>("one linear layer"); }

}  // namespace heterodyne
