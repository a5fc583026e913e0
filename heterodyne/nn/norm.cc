#include "heterodyne/nn/norm.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/layer_norm.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/ops/rows/rms_norm.h"

namespace heterodyne::nn {
namespace {

constexpr double kMomentum = 0.1;

}  // namespace

LayerNorm::LayerNorm(int64_t width, double eps)
    : eps_(eps),
      weight_(register_parameter("weight", torch::ones({width}))),
      bias_(register_parameter("bias", torch::zeros({width}))) {}

torch::Tensor LayerNorm::forward(const torch::Tensor& x) const {
  return at::layer_norm(x, weight_.sizes(), weight_, bias_, eps_);
}

RmsNorm::RmsNorm(int64_t width, double eps) : eps_(eps), weight_(register_parameter("weight", torch::ones({width}))) {}

torch::Tensor RmsNorm::forward(const torch::Tensor& x) const { return ops::rms_norm(x, weight_, eps_); }

BatchNorm2d::BatchNorm2d(int64_t channels, double eps)
    : eps_(eps),
      weight_(register_parameter("weight", torch::ones({channels}))),
      bias_(register_parameter("bias", torch::zeros({channels}))),
      running_mean_(register_buffer("running_mean", torch::zeros({channels}))),
      running_var_(register_buffer("running_var", torch::ones({channels}))) {}

torch::Tensor BatchNorm2d::forward(const torch::Tensor& x_BCHW) {
  check_shape("nn.batch_norm", "x_BCHW", x_BCHW, {"B", {"C", weight_.size(0)}, "H", "W"});
  const bool learns = is_training() && weight_.requires_grad() && x_BCHW.numel() > x_BCHW.size(1);
  return at::batch_norm(x_BCHW, weight_, bias_, running_mean_, running_var_, learns, kMomentum, eps_, false);
}

}  // namespace heterodyne::nn
