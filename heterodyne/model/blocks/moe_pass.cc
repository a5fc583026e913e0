#include "heterodyne/model/blocks/moe_pass.h"

#include <iterator>

namespace heterodyne {

namespace {

// Where labels are shares of the classes, the one with the largest; undefined where they are numbers.
torch::Tensor class_of(const torch::Tensor& label_B) {
  if (!label_B.defined() || !label_B.is_floating_point()) return label_B;
  return label_B.dim() == 1 ? torch::Tensor() : label_B.argmax(-1);
}

}  // namespace

torch::Tensor MoePass::run(MoeLayer& layer, const torch::Tensor& x_BSD, const torch::Tensor& past_BSD) {
  MoeInput input{x_BSD, batch_.mask_BS, batch_.random};
  const bool is_text = batch_.inputs.scalar_type() == torch::kInt64;
  if (is_text) input.token_id_BS = batch_.inputs;
  else input.label_B = class_of(batch_.label_B);
  input.previous_logit_TE = previous_logit_TE_;
  input.first_position = batch_.first_position;
  input.past_BSD = past_BSD;
  input.override = batch_.route_override;
  if (sums_.size() < batch_.sums_before.size()) input.sums_before = batch_.sums_before[sums_.size()];

  auto output = layer.forward(input, log_);
  previous_logit_TE_ = output.logit_TE;
  losses_.insert(losses_.end(), std::make_move_iterator(output.losses.begin()),
                 std::make_move_iterator(output.losses.end()));
  sums_.push_back(std::move(output.sums));
  return output.y_BSO;
}

void MoePass::finish(NetworkOutput& output) {
  output.losses = std::move(losses_);
  output.sums = std::move(sums_);
}

}  // namespace heterodyne
