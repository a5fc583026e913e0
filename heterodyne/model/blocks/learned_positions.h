// Learned positions (Dosovitskiy et al. 2021, equation 1): what tokens of a picture, and of words beside it, are told
// about where they lie, and dropout after it.
//
// Letters: B examples, S tokens of each, D width.
#pragma once

#include <memory>
#include <string>

#include "heterodyne/base/random.h"
#include "heterodyne/nn/dropout.h"

namespace heterodyne {

/// float32 [rows, columns], a parameter `name` of the owner: normal draws of deviation 0.02.
torch::Tensor learned_rows(torch::nn::Module& owner, const std::string& name, torch::IntArrayRef sizes,
                           const Init& init);

/// Registers "positions" and "dropout" in the owner.
class LearnedPositions {
 public:
  LearnedPositions(torch::nn::Module& owner, int64_t num_tokens, int64_t width, double dropout, const Init& init);

  /// [B, S, D]: x_BSD with the positions added. Throws ShapeError unless S and D are those of the constructor.
  torch::Tensor forward(const torch::Tensor& x_BSD, RandomKey key) const;

 private:
  torch::Tensor position_SD_;
  std::shared_ptr<nn::Dropout> dropout_;
};

}  // namespace heterodyne
