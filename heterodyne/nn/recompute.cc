#include "heterodyne/nn/recompute.h"

#include <utility>

#include "heterodyne/base/error.h"

namespace heterodyne::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Call : torch::CustomClassHolder {
  Call(RecomputedWork what, size_t count) : work(std::move(what)), num_inputs(count) {}

  RecomputedWork work;
  size_t num_inputs;  // the tensors behind them are parameters
};

// The inputs as the beginning of a graph of its own.
variable_list own_inputs(const variable_list& tensors, size_t count) {
  variable_list inputs;
  for (size_t i = 0; i < count; ++i) inputs.push_back(tensors[i].detach().requires_grad_(tensors[i].requires_grad()));
  return inputs;
}

struct Recompute : torch::autograd::Function<Recompute> {
  static variable_list forward(AutogradContext* ctx, torch::TensorList tensors, const c10::intrusive_ptr<Call>& call) {
    ctx->save_for_backward(tensors.vec());
    ctx->saved_data["call"] = c10::IValue::make_capsule(call);
    // With gradients recorded, and forgotten at once, as some operators compute otherwise without.
    const torch::AutoGradMode enabled(true);
    auto answers = call->work(own_inputs(tensors.vec(), call->num_inputs));
    for (auto& answer : answers) answer = answer.detach();
    return answers;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    if (torch::GradMode::is_enabled()) throw Error("[nn.recompute] there are no second derivatives");
    const auto held = ctx->saved_data["call"].toCapsule();
    const auto& call = static_cast<const Call&>(*held);
    const auto tensors = ctx->get_saved_variables();
    const auto inputs = own_inputs(tensors, call.num_inputs);
    variable_list wanted, answers, grads_of_answers;
    std::vector<size_t> places;
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (!ctx->needs_input_grad(i)) continue;
      wanted.push_back(i < inputs.size() ? inputs[i] : tensors[i]);
      places.push_back(i);
    }
    const torch::AutoGradMode enabled(true);
    const auto all_answers = call.work(inputs);
    for (size_t i = 0; i < all_answers.size(); ++i) {
      if (!all_answers[i].requires_grad()) continue;
      answers.push_back(all_answers[i]);
      grads_of_answers.push_back(grads[i]);
    }
    const auto found = torch::autograd::grad(answers, wanted, grads_of_answers, {}, false, true);
    variable_list all(tensors.size() + 1);  // nothing for the call
    for (size_t i = 0; i < places.size(); ++i) all[places[i]] = found[i];
    return all;
  }
};

}  // namespace

std::vector<torch::Tensor> recomputed(const RecomputedWork& work, const std::vector<torch::Tensor>& inputs,
                                      const std::vector<torch::Tensor>& parameters) {
  if (!torch::GradMode::is_enabled()) return work(inputs);
  variable_list tensors = inputs;
  tensors.insert(tensors.end(), parameters.begin(), parameters.end());
  return Recompute::apply(torch::TensorList(tensors), c10::make_intrusive<Call>(work, inputs.size()));
}

}  // namespace heterodyne::nn
