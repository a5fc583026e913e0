#include "heterodyne/model/blocks/learned_positions.h"

#include "heterodyne/base/shape.h"

namespace heterodyne {

torch::Tensor learned_rows(torch::nn::Module& owner, const std::string& name, torch::IntArrayRef sizes,
                           const Init& init) {
  constexpr double kDeviation = 0.02;
  return owner.register_parameter(name, init.at(name).stream().normal({init.seed, 0}, sizes) * kDeviation);
}

LearnedPositions::LearnedPositions(torch::nn::Module& owner, int64_t num_tokens, int64_t width, double dropout,
                                   const Init& init)
    : position_SD_(learned_rows(owner, "positions", {num_tokens, width}, init)),
      dropout_(owner.register_module("dropout", std::make_shared<nn::Dropout>(dropout, init.at("dropout")))) {}

torch::Tensor LearnedPositions::forward(const torch::Tensor& x_BSD, RandomKey key) const {
  check_shape("model.positions", "x_BSD", x_BSD, {"B", {"S", position_SD_.size(0)}, {"D", position_SD_.size(1)}});
  const auto sum_BSD = x_BSD + position_SD_;
  const auto all_T = torch::arange(sum_BSD.size(0) * sum_BSD.size(1));
  return dropout_->forward(sum_BSD.flatten(0, 1), key, all_T).view_as(sum_BSD);
}

}  // namespace heterodyne
