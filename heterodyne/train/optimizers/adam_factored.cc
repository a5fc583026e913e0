// Adam whose state of experts is small (Shazeer et al. 2017, appendix D): no mean gradient (beta1 = 0), and of the mean
// squared gradient of a matrix V only the means of its rows r and of its columns c, from which
//   V_ij ~ r_i c_j / mean(r).
// A matrix of R x C takes R + C numbers instead of 2 R C. Tensors of more axes are such matrices in their last two;
// vectors of experts keep all of V. Parameters outside experts are stepped as adam steps them.
#include <cmath>
#include <limits>

#include "heterodyne/train/adam.h"

namespace heterodyne {
namespace {

constexpr const char *kRow = "exp_avg_sq_row", *kColumn = "exp_avg_sq_column", *kSquare = "exp_avg_sq";

class AdamFactoredOptimizer : public Adam {
 public:
  struct Options {
    AdamOptions adam;
    void visit(Fields& field) { adam.visit(field); }
  };

  explicit AdamFactoredOptimizer(const Options& options) : Adam(options.adam, WeightDecay::kInGradient, 0) {}

 protected:
  State initial_state(const std::string& name, const torch::Tensor& parameter) const override {
    if (!is_of_expert(name)) return Adam::initial_state(name, parameter);
    State state{{"step", torch::zeros({}, torch::kFloat32)}};
    if (parameter.dim() < 2) {
      state[kSquare] = torch::zeros_like(parameter);
    } else {
      state[kRow] = torch::zeros_like(parameter.select(-1, 0));
      state[kColumn] = torch::zeros_like(parameter.select(-2, 0));
    }
    return state;
  }

  bool starts_at_mean(const std::string& key) const override { return key.starts_with(kSquare); }

  int64_t missing_axis(const std::string& key) const override { return key == kRow ? -1 : key == kColumn ? -2 : 0; }

  void update(const std::vector<Entry>& entries, double lr) override {
    std::vector<Entry> others;
    for (const Entry& entry : entries) {
      if (entry.state->contains("exp_avg")) others.push_back(entry);
      else update_expert(entry, lr);
    }
    if (!others.empty()) Adam::update(others, lr);
  }

  void replay(const std::vector<Entry>& entries, std::span<const Rates> steps, bool weights_only) override {
    Optimizer::replay(entries, steps, weights_only);
  }

  bool can_follow(const Entry&) const override { return false; }

 private:
  void update_expert(const Entry& entry, double lr) const {
    const double beta2 = options().beta2;
    const double correction = 1 - std::pow(beta2, entry.state->at("step").add_(1).item<double>());
    const auto square = entry.gradient.square();
    const auto follow = [&](const char* key, const torch::Tensor& now) {
      return entry.state->at(key).lerp_(now, 1 - beta2);
    };
    torch::Tensor estimate;
    if (entry.state->contains(kSquare)) {
      estimate = follow(kSquare, square);
    } else {
      const auto row = follow(kRow, square.mean(-1)), column = follow(kColumn, square.mean(-2));
      // Rows that are all zero have a mean of zero, and so has their estimate.
      const auto mean = row.mean(-1, true).clamp_min(std::numeric_limits<float>::min());
      estimate = (row / mean).unsqueeze(-1) * column.unsqueeze(-2);
    }
    entry.parameter.addcdiv_(entry.gradient, (estimate / correction).sqrt_().add_(options().eps), -lr);
  }
};

}  // namespace

OptimizerKind optimizer_kind_adam_factored() {
  return optimizer_kind<AdamFactoredOptimizer>(
      "adam, of experts without a mean gradient and with the squared one as means of rows and columns");
}

}  // namespace heterodyne
