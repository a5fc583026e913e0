#include "heterodyne/nn/lstm.h"

#include <ATen/ops/lstm_cell.h>

#include <cmath>

#include "heterodyne/base/shape.h"

namespace heterodyne::nn {

LstmCell::LstmCell(int64_t inputs, int64_t hidden, const Init& init) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const auto draw = [&](const char* name, torch::IntArrayRef sizes) {
    return initial_uniform(init.at(name), sizes, bound);
  };
  input_weight_ = Weight(*this, "input_weight", draw("input_weight", {4 * hidden, inputs}));
  hidden_weight_ = Weight(*this, "hidden_weight", draw("hidden_weight", {4 * hidden, hidden}));
  input_bias_ = register_parameter("input_bias", draw("input_bias", {4 * hidden}));
  hidden_bias_ = register_parameter("hidden_bias", draw("hidden_bias", {4 * hidden}));
}

LstmCell::State LstmCell::forward(const torch::Tensor& x_NI, const State& state) const {
  check_shape("nn.lstm_cell", "x_NI", x_NI, {"N", {"I", input_weight_.num_inputs()}});
  check_shape("nn.lstm_cell", "hidden_NH", state.hidden_NH, {{"N", x_NI.size(0)}, {"H", hidden()}});
  auto [h, c] = at::lstm_cell(x_NI, {state.hidden_NH, state.cell_NH}, input_weight_.matrix(), hidden_weight_.matrix(),
                              input_bias_, hidden_bias_);
  return {h, c};
}

LstmCell::State LstmCell::zero_state(int64_t N, const torch::Tensor& like) const {
  const auto zeros = torch::zeros({N, hidden()}, torch::TensorOptions().dtype(like.dtype()).device(like.device()));
  return {zeros, zeros};
}

}  // namespace heterodyne::nn
