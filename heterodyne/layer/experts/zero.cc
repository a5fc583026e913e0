// Answers zeros: "no expert" as a choice (the null expert of AdaMoE, Zeng et al. 2024, arXiv 2406.13233, and the zero
// expert of MoE++, Jin et al. 2024, arXiv 2410.07348, equation 3). The layer never carries a row to it.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"

namespace heterodyne {
namespace {

class ZeroExpert : public Expert {
 public:
  struct Options {
    void visit(Fields&) {}
  };

  ZeroExpert(const Options&, const ExpertContext& context)
      : where_(context.init.name + " zero"), width_(context.width), output_width_(context.output_width) {}

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", width_}});
    return input.x_ND.new_zeros({input.x_ND.size(0), output_width_});
  }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(0, load); }

 private:
  std::string where_;
  int64_t width_, output_width_;
};

}  // namespace

ExpertKind expert_kind_zero() { return expert_kind<ZeroExpert>("zeros: no expert as a choice", true); }

}  // namespace heterodyne
