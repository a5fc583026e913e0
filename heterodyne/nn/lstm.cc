#include "heterodyne/nn/lstm.h"

#include <ATen/ops/linear.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/lstm_cell.h>

#include <cmath>

#include "heterodyne/base/shape.h"
#include "heterodyne/ops/linear.h"
#include "heterodyne/ops/lstm.h"

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

Lstm::Lstm(int64_t inputs, int64_t hidden, bool bidirectional, const Init& init) : inputs_(inputs), hidden_(hidden) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const auto add = [&](torch::nn::Module& owner, const Init& from) {
    const auto draw = [&](const char* name, torch::IntArrayRef sizes) {
      weights_.push_back(owner.register_parameter(name, initial_uniform(from.at(name), sizes, bound)));
    };
    draw("input_weight", {4 * hidden, inputs});
    draw("hidden_weight", {4 * hidden, hidden});
    draw("input_bias", {4 * hidden});
    draw("hidden_bias", {4 * hidden});
  };
  add(*this, init);
  if (bidirectional) add(*register_module("reverse", std::make_shared<torch::nn::Module>()), init.at("reverse"));
}

Lstm::Output Lstm::forward(const torch::Tensor& x_BSI, const torch::Tensor& hidden_LBH,
                           const torch::Tensor& cell_LBH) const {
  check_shape("nn.lstm", "x_BSI", x_BSI, {"B", "S", {"I", inputs_}});
  const int64_t B = x_BSI.size(0), L = num_directions();
  auto h = hidden_LBH, c = cell_LBH;
  if (!h.defined()) h = torch::zeros({L, B, hidden_}, x_BSI.options().requires_grad(false));
  if (!c.defined()) c = torch::zeros_like(h);
  check_shape("nn.lstm", "hidden_LBH", h, {{"L", L}, {"B", B}, {"H", hidden_}});
  check_shape("nn.lstm", "cell_LBH", c, {{"L", L}, {"B", B}, {"H", hidden_}});
  if (x_BSI.size(1) == 0) return {torch::zeros({B, 0, num_outputs()}, x_BSI.options()), h, c};
  if (ops::can_run_lstm(x_BSI, hidden_)) return run(x_BSI, h, c);
  auto [y, hidden, cell] = at::lstm(x_BSI, {h, c}, weights_, true, 1, 0.0, is_training(), L == 2, true);
  return {y, hidden, cell};
}

// The inputs' part of all steps is one product; then the steps.
Lstm::Output Lstm::run(const torch::Tensor& x_BSI, const torch::Tensor& hidden_LBH,
                       const torch::Tensor& cell_LBH) const {
  std::vector<torch::Tensor> y, hidden, cell;
  for (int64_t direction = 0; direction < num_directions(); ++direction) {
    const auto* weights = &weights_[static_cast<size_t>(direction * 4)];
    const bool is_reverse = direction == 1;
    const auto x = (is_reverse ? x_BSI.flip(1) : x_BSI).flatten(0, 1);
    const auto bias = weights[2] + weights[3];
    const auto pre =
        ops::can_run_linear(x, weights[0]) ? ops::linear_product(x, weights[0], bias) : at::linear(x, weights[0], bias);
    const auto steps = ops::lstm_steps(pre.view({x_BSI.size(0), x_BSI.size(1), 4 * hidden_}), hidden_LBH[direction],
                                       cell_LBH[direction], weights[1]);
    y.push_back(is_reverse ? steps.y_BSH.flip(1) : steps.y_BSH);
    hidden.push_back(steps.hidden_BH);
    cell.push_back(steps.cell_BH);
  }
  return {y.size() == 1 ? y[0] : torch::cat(y, 2), torch::stack(hidden), torch::stack(cell)};
}

double Lstm::macs() const {
  double sum = 0;
  for (const auto& weight : weights_) sum += weight.dim() == 2 ? static_cast<double>(weight.numel()) : 0;
  return sum;
}

}  // namespace heterodyne::nn
