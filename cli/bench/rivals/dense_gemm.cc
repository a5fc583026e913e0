// The products of one dense SwiGLU layer on as many rows, three forward and six more backward, into buffers that are
// kept, by LibTorch's matrix product; backward is written out by hand. The least that the framework's own product
// needs.
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>

#include "cli/bench/rival.h"

namespace heterodyne {
namespace {

class DenseGemm : public Rival {
 public:
  explicit DenseGemm(const RivalValues& values)
      : w1_DF_(values.w1_EFD[0].detach().t().contiguous()),
        w3_DF_(values.w3_EFD[0].detach().t().contiguous()),
        w2_FD_(values.w2_EDF[0].detach().t().contiguous()) {}

  torch::Tensor forward(const torch::Tensor& x_ND) override {
    const torch::NoGradGuard no_grad;
    fit(x_ND);
    at::mm_out(gate_NF_, x_ND, w1_DF_);
    at::mm_out(up_NF_, x_ND, w3_DF_);
    at::silu_out(hidden_NF_, gate_NF_);
    hidden_NF_.mul_(up_NF_);
    at::mm_out(y_ND_, hidden_NF_, w2_FD_);
    return y_ND_;
  }

  void forward_backward(const torch::Tensor& x_ND, const torch::Tensor& dy_ND) override {
    const torch::NoGradGuard no_grad;
    forward(x_ND);
    at::mm_out(dw2_FD_, hidden_NF_.t(), dy_ND);
    at::mm_out(dhidden_NF_, dy_ND, w2_FD_.t());
    // d silu(g) / dg = s (1 + g (1 - s)) with s = sigmoid(g); dup = dhidden silu(g), dgate = dhidden up d silu / dg.
    const auto s_NF = at::sigmoid(gate_NF_);
    const auto dup_NF = dhidden_NF_ * s_NF * gate_NF_;
    const auto dgate_NF = dhidden_NF_ * up_NF_ * s_NF * (1 + gate_NF_ * (1 - s_NF));
    at::mm_out(dw1_DF_, x_ND.t(), dgate_NF);
    at::mm_out(dw3_DF_, x_ND.t(), dup_NF);
    at::mm_out(dx_ND_, dgate_NF, w1_DF_.t());
    dx_ND_.addmm_(dup_NF, w3_DF_.t());
  }

 private:
  void fit(const torch::Tensor& x_ND) {
    const int64_t N = x_ND.size(0), F = w1_DF_.size(1);
    if (y_ND_.defined() && y_ND_.size(0) == N) return;
    for (auto* rows : {&gate_NF_, &up_NF_, &hidden_NF_, &dhidden_NF_}) *rows = torch::empty({N, F}, x_ND.options());
    y_ND_ = torch::empty_like(x_ND), dx_ND_ = torch::empty_like(x_ND);
    dw1_DF_ = torch::empty_like(w1_DF_), dw3_DF_ = torch::empty_like(w3_DF_), dw2_FD_ = torch::empty_like(w2_FD_);
  }

  torch::Tensor w1_DF_, w3_DF_, w2_FD_, dw1_DF_, dw3_DF_, dw2_FD_;
  torch::Tensor gate_NF_, up_NF_, hidden_NF_, dhidden_NF_, y_ND_, dx_ND_;
};

}  // namespace

RivalKind rival_kind_dense_gemm() {
  return rival_kind<DenseGemm>("dense: LibTorch's products alone, into kept buffers", true);
}

}  // namespace heterodyne
