#include "heterodyne/layer/recompute.h"

#include <utility>
#include <vector>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What the second pass needs beside tensors with a gradient.
struct Call : torch::CustomClassHolder {
  Call(std::shared_ptr<Expert> who, ExpertInput what) : expert(std::move(who)), input(std::move(what)) {}

  std::shared_ptr<Expert> expert;
  ExpertInput input;  // without x_ND, x_BSD and past_BSD, which autograd keeps
  bool has_context = false, has_past = false;
};

torch::Tensor answer(const Call& call, const variable_list& x) {
  ExpertInput input = call.input;
  input.x_ND = x[0];
  if (call.has_context) input.x_BSD = x[1];
  if (call.has_past) input.past_BSD = x[2];
  return call.expert->forward(input);
}

struct Recompute : torch::autograd::Function<Recompute> {
  // `inputs`: x_ND, x_BSD, past_BSD, of which the last two may stand empty for none, and the parameters.
  static torch::Tensor forward(AutogradContext* ctx, torch::TensorList inputs, const c10::intrusive_ptr<Call>& call) {
    ctx->save_for_backward(inputs.vec());
    ctx->saved_data["call"] = c10::IValue::make_capsule(call);
    return answer(*call, inputs.vec());
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    if (torch::GradMode::is_enabled()) throw Error("[moe] recompute: there are no second derivatives");
    const auto held = ctx->saved_data["call"].toCapsule();
    const auto& call = static_cast<const Call&>(*held);
    variable_list inputs = ctx->get_saved_variables(), wanted;
    std::vector<size_t> places;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const bool is_x = i < 3;
      if (is_x && inputs[i].defined()) inputs[i] = inputs[i].detach().requires_grad_(ctx->needs_input_grad(i));
      if (!inputs[i].defined() || !ctx->needs_input_grad(i)) continue;
      wanted.push_back(inputs[i]);
      places.push_back(i);
    }
    const torch::AutoGradMode enabled(true);
    const auto found = torch::autograd::grad({answer(call, inputs)}, wanted, grad, {}, false, true);
    variable_list all(inputs.size() + 1);  // nothing for the call
    for (size_t i = 0; i < places.size(); ++i) all[places[i]] = found[i];
    return all;
  }
};

class RecomputedExpert : public Expert {
 public:
  explicit RecomputedExpert(std::shared_ptr<Expert> expert) : expert_(std::move(expert)) {}

  torch::Tensor forward(const ExpertInput& input) override {
    if (!torch::GradMode::is_enabled()) return expert_->forward(input);
    const auto none = torch::zeros({0}, input.x_ND.options().requires_grad(false));
    variable_list inputs{input.x_ND, input.x_BSD.defined() ? input.x_BSD : none,
                         input.past_BSD.defined() ? input.past_BSD : none};
    for (const auto& parameter : expert_->parameters()) inputs.push_back(parameter);
    ExpertInput rest = input;
    rest.x_ND = rest.x_BSD = rest.past_BSD = torch::Tensor();
    const auto call = c10::make_intrusive<Call>(expert_, std::move(rest));
    call->has_context = input.x_BSD.defined();
    call->has_past = input.past_BSD.defined();
    return Recompute::apply(torch::TensorList(inputs), call);
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
