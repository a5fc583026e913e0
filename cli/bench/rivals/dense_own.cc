// One dense SwiGLU layer of this project: the expert of that kind on all rows.
#include "cli/bench/rival.h"
#include "heterodyne/layer/expert.h"

namespace heterodyne {
namespace {

class DenseOwn : public Rival {
 public:
  explicit DenseOwn(const RivalValues& values) {
    const int64_t F = values.w1_EFD.size(1), D = values.w1_EFD.size(2);
    expert_ = experts().make(Member(Table{{"kind", "swiglu"}, {"hidden", F}}), ExpertContext{D, D, 0, {1, "dense"}});
  }

  torch::Tensor forward(const torch::Tensor& x_ND) override {
    if (!all_N_.defined() || all_N_.size(0) != x_ND.size(0)) all_N_ = torch::arange(x_ND.size(0));
    return expert_->forward({x_ND, all_N_, x_ND.unsqueeze(0), {}, {}});
  }

  void clear() override { expert_->zero_grad(); }

 private:
  std::shared_ptr<Expert> expert_;
  torch::Tensor all_N_;
};

}  // namespace

RivalKind rival_kind_dense_own() { return rival_kind<DenseOwn>("dense: the swiglu expert on all rows", true); }

}  // namespace heterodyne
