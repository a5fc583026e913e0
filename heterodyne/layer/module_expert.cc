#include "heterodyne/layer/module_expert.h"

#include "heterodyne/base/shape.h"
#include "heterodyne/nn/init.h"

namespace heterodyne {

ModuleExpert::ModuleExpert(const ExpertContext& context, std::shared_ptr<torch::nn::Module> module, Answer answer,
                           double macs_per_row)
    : where_(context.init.name + " module"),
      width_(context.width),
      output_width_(context.output_width),
      answer_(std::move(answer)),
      macs_per_row_(macs_per_row) {
  register_module("module", std::move(module));
}

torch::Tensor ModuleExpert::forward(const ExpertInput& input) {
  check_shape(where_, "x_ND", input.x_ND, {"N", {"D", width_}});
  const auto y_NO = answer_(input.x_ND);
  check_shape(where_, "answer", y_NO, {{"N", input.x_ND.size(0)}, {"O", output_width_}});
  return y_NO;
}

void draw_from_streams(torch::nn::Module& module, const Init& init) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : module.named_parameters()) {
    auto& value = parameter.value();
    if (value.dim() >= 2)
      value.copy_(nn::initial_weight(nn::Scheme::kUniform, init.at(parameter.key()), value.sizes()));
    else if (parameter.key() == "bias" || parameter.key().ends_with(".bias")) value.zero_();
  }
}

}  // namespace heterodyne
