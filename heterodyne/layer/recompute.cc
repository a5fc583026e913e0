#include "heterodyne/layer/recompute.h"

#include <utility>
#include <vector>

#include "heterodyne/nn/recompute.h"

namespace heterodyne {
namespace {

class RecomputedExpert : public Expert {
 public:
  explicit RecomputedExpert(std::shared_ptr<Expert> expert) : expert_(std::move(expert)) {}

  torch::Tensor forward(const ExpertInput& input) override {
    std::vector<torch::Tensor> inputs{input.x_ND};
    const bool has_context = input.x_BSD.defined(), has_past = input.past_BSD.defined();
    if (has_context) inputs.push_back(input.x_BSD);
    if (has_past) inputs.push_back(input.past_BSD);
    ExpertInput rest = input;  // what is no input of the work, which would be held twice
    rest.x_ND = rest.x_BSD = rest.past_BSD = torch::Tensor();
    const auto work = [expert = expert_, rest, has_context, has_past](const std::vector<torch::Tensor>& x) {
      ExpertInput whole = rest;
      whole.x_ND = x[0];
      if (has_context) whole.x_BSD = x[1];
      if (has_past) whole.past_BSD = x.back();
      return std::vector<torch::Tensor>(1, expert->forward(whole));
    };
    return nn::recomputed(work, inputs, expert_->parameters()).front();
  }

  ops::ExpertMlp as_mlp() const override {
    auto mlp = expert_->as_mlp();
    mlp.is_recomputed = true;
    return mlp;
  }
  bool needs_context() const override { return expert_->needs_context(); }
  bool is_causal() const override { return expert_->is_causal(); }
  CostPair cost(const ExpertLoad& load) const override { return expert_->cost(load); }

 private:
  std::shared_ptr<Expert> expert_;
};

}  // namespace

std::shared_ptr<Expert> recomputed(std::shared_ptr<Expert> expert) {
  return std::make_shared<RecomputedExpert>(std::move(expert));
}

}  // namespace heterodyne
