// Answers with the token itself (MoE++, Jin et al. 2024, arXiv 2410.07348, equation 4). Row-wise, without parameters.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"

namespace heterodyne {
namespace {

class CopyExpert : public Expert {
 public:
  struct Options {
    void visit(Fields&) {}
  };

  CopyExpert(const Options&, const ExpertContext& context)
      : where_(context.init.name + " copy"), width_(context.width) {
    check_same_width("copy", context);
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", width_}});
    return input.x_ND;
  }

  CostPair cost(const ExpertLoad& load) const override { return row_cost(0, load); }

 private:
  std::string where_;
  int64_t width_;
};

}  // namespace

ExpertKind expert_kind_copy() { return expert_kind<CopyExpert>("the token itself"); }

}  // namespace heterodyne
