// GatedExpert: what the feed-forward kinds share whose hidden values are multiplied by a gate (Shazeer 2020, "GLU
// variants improve transformer", arXiv 2002.05202, equation 6): y = W2 (activation(W1 x) * W3 x), without biases.
// Row-wise; no residual of its own. Parameters are called w1, w2 and w3, as in the checkpoints of such models.
//
// Letters: N rows of this expert, D width, O output width, F hidden width.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/lora_linear.h"

namespace heterodyne {

class GatedExpert : public Expert {
 public:
  struct Options {
    std::vector<int64_t> hidden = {256};
    void visit(Fields& field) {
      field("hidden", hidden, "hidden width; a list gives each expert of the group its own", list_or_one(),
            at_least(1));
    }
  };

  torch::Tensor forward(const ExpertInput& input) override;
  ops::ExpertMlp as_mlp() const override;
  CostPair cost(const ExpertLoad& load) const override;

 protected:
  /// `kind` is the member's name, "swiglu"; `activation` as in activate().
  GatedExpert(const std::string& kind, std::string activation, const Options& options, const ExpertContext& context);

 private:
  std::string where_, activation_;
  std::shared_ptr<nn::LoraLinear> w1_, w2_, w3_;
};

}  // namespace heterodyne
