// Averages: an exponential moving average of a network's weights (Polyak and Juditsky 1992 average all steps alike; the
// exponential form forgets the first ones), which often is the better model. Buffers are not averaged.
//
// After step t
//   average = d average + (1 - d) weight,   d = min(decay, (1 + t) / (10 + t))
// so that the first steps, when weights are far from where they will be, are forgotten soon. They are kept by the name
// of the parameter, as the state of optimizers is, and follow when experts come and go.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/base/fields.h"
#include "heterodyne/layer/resize.h"

namespace heterodyne {

struct AverageOptions {
  double decay = 0;
  bool validate = false;
  void visit(Fields& field) {
    field("decay", decay, "share of a moving average of the weights that each step keeps; 0: no average is kept",
          between(0, 0.999999));
    field("validate", validate,
          "whether validation, and whoever uses the model later, takes the averages in the place of the weights",
          effective_when(decay > 0, "decay = 0"));
  }
};

/// Averages by the names of parameters; those that are not known yet begin as the weights are.
void update_averages(Sums& averages, const torch::nn::Module& network, double decay, int64_t step);

/// Follows a change of the number of experts that the network has made; `prefix` is the layer's name. The entries of a
/// new expert begin as its weights are, those of one that is gone are forgotten.
void remap_averages(Sums& averages, const torch::nn::Module& network, const std::string& prefix,
                    const std::vector<AxisChange>& changes);

/// Those of one expert and of its entries in the router begin anew, as the weights are. Throws Error when the layer has
/// none with this id.
void renew_averages(Sums& averages, MoeLayer& layer, int64_t id);

/// Copies the averages into the network. Throws FormatError naming `file` when one is missing or does not fit.
void set_weights(torch::nn::Module& network, const Sums& averages, const std::string& file);

/// The network with the averages for weights, as long as this lives. Parameters without an average stay.
class AveragedWeights {
 public:
  /// Both must outlive this.
  AveragedWeights(torch::nn::Module& network, const Sums& averages);
  ~AveragedWeights();
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  std::vector<std::pair<torch::Tensor, torch::Tensor>> kept_;  // parameter, its own values
};

}  // namespace heterodyne
