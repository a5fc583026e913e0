// LSTM cell (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
//   i, f, g, o = x W_i^T + b_i + h W_h^T + b_h;  c' = sigmoid(f) c + sigmoid(i) tanh(g);  h' = sigmoid(o) tanh(c')
//
// Letters: N rows, I inputs, H hidden width.
#pragma once

#include <vector>

#include "heterodyne/nn/init.h"
#include "heterodyne/nn/weight.h"

namespace heterodyne::nn {

class LstmCell : public torch::nn::Module {
 public:
  /// Every value starts in U(-1/sqrt(hidden), 1/sqrt(hidden)).
  LstmCell(int64_t inputs, int64_t hidden, const Init& init);

  struct State {
    torch::Tensor hidden_NH;
    torch::Tensor cell_NH;
  };

  /// One step from `state` with the inputs x_NI.
  State forward(const torch::Tensor& x_NI, const State& state) const;
  /// Both parts zero, for N rows of the dtype and device of `like`.
  State zero_state(int64_t N, const torch::Tensor& like) const;

  int64_t hidden() const { return hidden_weight_.num_inputs(); }
  /// Multiply-adds for one row, both products counted.
  double macs() const { return static_cast<double>(input_weight_.num_values() + hidden_weight_.num_values()); }

 private:
  Weight input_weight_, hidden_weight_;
  torch::Tensor input_bias_, hidden_bias_;
};

/// LSTM over sequences. Parameters are named and drawn as those of LstmCell; the backward direction's are under
/// "reverse".
class Lstm : public torch::nn::Module {
 public:
  /// Answers have `hidden` features, forward and backward ones after each other when it is bidirectional.
  Lstm(int64_t inputs, int64_t hidden, bool bidirectional, const Init& init);

  struct Output {
    torch::Tensor y_BSH;
    torch::Tensor hidden_LBH, cell_LBH;  // after the last token, L = 1 or 2 directions
  };

  /// From the state `hidden_LBH`, `cell_LBH`, or zero when they are undefined. Throws ShapeError unless x_BSI is
  /// [B, S, inputs].
  Output forward(const torch::Tensor& x_BSI, const torch::Tensor& hidden_LBH = {},
                 const torch::Tensor& cell_LBH = {}) const;

  int64_t num_outputs() const { return hidden_ * num_directions(); }
  /// Multiply-adds for one token.
  double macs() const;

 private:
  Output run(const torch::Tensor& x_BSI, const torch::Tensor& hidden_LBH, const torch::Tensor& cell_LBH) const;
  int64_t num_directions() const { return static_cast<int64_t>(weights_.size()) / 4; }

  int64_t inputs_, hidden_;
  std::vector<torch::Tensor> weights_;  // input and hidden weight, input and hidden bias; then those of the reverse
};

}  // namespace heterodyne::nn
