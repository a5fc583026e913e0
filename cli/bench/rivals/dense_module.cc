// One dense SwiGLU layer as it is usually written, through LibTorch's linear and its autograd.
#include "cli/bench/rival.h"

namespace heterodyne {
namespace {

class DenseModule : public Rival {
 public:
  explicit DenseModule(const RivalValues& values)
      : expert_{leaf(values.w1_EFD[0]), leaf(values.w3_EFD[0]), leaf(values.w2_EDF[0])} {}

  torch::Tensor forward(const torch::Tensor& x_ND) override { return expert_.forward(x_ND); }

 private:
  PlainExpert expert_;
};

}  // namespace

RivalKind rival_kind_dense_module() { return rival_kind<DenseModule>("dense: LibTorch's linear and autograd", true); }

}  // namespace heterodyne
