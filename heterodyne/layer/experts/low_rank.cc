// A linear map of low rank, U V x, without biases: V makes `rank` values of the token, U the answer of them (the update
// of Hu et al. 2021, LoRA, equation 3, with U drawn like V instead of zero). Row-wise.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class LowRankExpert : public Expert {
 public:
  struct Options {
    std::vector<int64_t> rank = {8};
    void visit(Fields& field) {
      field("rank", rank, "values between the two matrices; a list gives each expert of the group its own",
            list_or_one(), at_least(1));
    }
  };

  LowRankExpert(const Options& options, const ExpertContext& context) : where_(context.init.name + " low_rank") {
    const int64_t rank = options.rank[static_cast<size_t>(context.index) % options.rank.size()];
    const auto linear = [&](const char* name, int64_t inputs, int64_t outputs) {
      const nn::LinearOptions shape{inputs, outputs, false};
      return register_module(name, std::make_shared<nn::Linear>(shape, context.init.at(name)));
    };
    down_ = linear("down", context.width, rank);
    up_ = linear("up", rank, context.output_width);
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", down_->weight().num_inputs()}});
    return up_->forward(down_->forward(input.x_ND));
  }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(down_->macs() + up_->macs(), load); }

 private:
  std::string where_;
  std::shared_ptr<nn::Linear> down_, up_;
};

}  // namespace

ExpertKind expert_kind_low_rank() { return expert_kind<LowRankExpert>("a linear map of low rank, two thin matrices"); }

}  // namespace heterodyne
