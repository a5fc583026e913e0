#include "heterodyne/model/blocks/positions.h"

#include <cmath>

namespace heterodyne {

torch::Tensor sinusoid_positions(int64_t S, int64_t D) {
  auto position_SD = torch::empty({S, D}, torch::kFloat32);
  auto value = position_SD.accessor<float, 2>();
  for (int64_t p = 0; p < S; ++p) {
    for (int64_t column = 0; column < D; ++column) {
      const double frequency =
          std::exp(-static_cast<double>(column - column % 2) * std::log(10000.0) / static_cast<double>(D));
      const double angle = static_cast<double>(p) * frequency;
      value[p][column] = static_cast<float>(column % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
  return position_SD;
}

}  // namespace heterodyne
