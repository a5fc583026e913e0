#include "heterodyne/layer/gated_expert.h"

#include <utility>

#include "heterodyne/base/shape.h"

namespace heterodyne {

GatedExpert::GatedExpert(const std::string& kind, std::string activation, const Options& options,
                         const ExpertContext& context)
    : where_(context.init.name + " " + kind), activation_(std::move(activation)) {
  const int64_t F = options.hidden[static_cast<size_t>(context.index) % options.hidden.size()];
  const auto linear = [&](const char* name, int64_t inputs, int64_t outputs) {
    const nn::LinearOptions shape{inputs, outputs, false};
    return register_module(name, std::make_shared<nn::LoraLinear>(shape, context.init.at(name)));
  };
  w1_ = linear("w1", context.width, F);
  w2_ = linear("w2", F, context.output_width);
  w3_ = linear("w3", context.width, F);
}

torch::Tensor GatedExpert::forward(const ExpertInput& input) {
  check_shape(where_, "x_ND", input.x_ND, {"N", {"D", w1_->weight().num_inputs()}});
  return w2_->forward(activate(activation_, w1_->forward(input.x_ND)) * w3_->forward(input.x_ND));
}

ops::ExpertMlp GatedExpert::as_mlp() const {
  if (w1_->has_lora() || w2_->has_lora() || w3_->has_lora()) return {};  // corrections are forward()'s
  const auto up = w3_->weight().operand(), down = w2_->weight().operand(), gate = w1_->weight().operand();
  ops::ExpertMlp mlp{activation_of(activation_), up.matrix_OI, down.matrix_OI, gate.matrix_OI};
  mlp.up_panels = up.panels, mlp.gate_panels = gate.panels, mlp.down_panels = down.panels;
  mlp.up_compact = up.compact, mlp.gate_compact = gate.compact, mlp.down_compact = down.compact;
  return mlp;
}

CostPair GatedExpert::cost(const ExpertLoad& load) const {
  return row_cost(w1_->macs() + w2_->macs() + w3_->macs(), load);
}

}  // namespace heterodyne
