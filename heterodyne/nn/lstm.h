// LSTM cell (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
//   i, f, g, o = x W_i^T + b_i + h W_h^T + b_h;  c' = sigmoid(f) c + sigmoid(i) tanh(g);  h' = sigmoid(o) tanh(c')
//
// Letters: N rows, I inputs, H hidden width.
#pragma once

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

}  // namespace heterodyne::nn
