#include "heterodyne/layer/soft_moe.h"

#include <fmt/format.h>

#include <cmath>

#include "heterodyne/base/shape.h"

namespace heterodyne {
namespace {

// Divided by the length along `axis`, in float32 at least.
torch::Tensor unit(const torch::Tensor& x, int64_t axis) {
  constexpr double kTiny = 1e-6;
  const bool is_narrow = x.scalar_type() == torch::kBFloat16 || x.scalar_type() == torch::kFloat16;
  const auto wide = is_narrow ? x.to(torch::kFloat32) : x;
  return wide * (wide.square().sum(axis, true) + kTiny).rsqrt();
}

}  // namespace

SoftMoeLayer::SoftMoeLayer(const SoftMoeOptions& options, const MoeContext& context)
    : name_(context.init.name),
      width_(context.width),
      output_width_(context.output_width),
      slots_per_expert_(options.slots_per_expert) {
  if (options.experts.empty())
    throw ConfigError("soft_moe", "experts", "expected at least one entry, got an empty list");
  auto modules = register_module("experts", std::make_shared<torch::nn::Module>());
  for (const auto& group : options.experts) {
    for (int64_t index = 0; index < num_experts_of(group); ++index) {
      const std::string position = std::to_string(experts_.size());
      const ExpertContext place{width_, output_width_, index, context.init.at("experts").at(position)};
      experts_.push_back(modules->register_module(position, heterodyne::experts().make(group, place)));
      if (!experts_.back()->needs_context()) continue;
      throw ConfigError("soft_moe", "experts",
                        fmt::format("expected kinds that answer rows one by one, got \"{}\", which looks at whole "
                                    "sequences; slots have none",
                                    group.kind));
    }
  }
  const auto draw_DQ = context.init.at("slots").stream().normal({context.init.seed, 0}, {width_, num_slots()});
  slot_DQ_ = register_parameter("slots", draw_DQ / std::sqrt(static_cast<double>(width_)));
  scale_ = register_parameter("scale", torch::ones({}));
}

torch::Tensor SoftMoeLayer::forward(const MoeInput& input) {
  check_shape(name_, "x_BSD", input.x_BSD, {"B", "S", {"D", width_}});
  constexpr double kNever = -1e30;
  const auto score_BSQ = scores(input.x_BSD);
  auto dispatch_BSQ = score_BSQ;
  auto combine_BSQ = score_BSQ.softmax(2);
  if (input.mask_BS.defined()) {
    const auto absent_BS1 = input.mask_BS.logical_not().unsqueeze(2);
    dispatch_BSQ = dispatch_BSQ.masked_fill(absent_BS1, kNever);
    combine_BSQ = combine_BSQ.masked_fill(absent_BS1, 0);
  }
  dispatch_BSQ = dispatch_BSQ.softmax(1);
  const auto dtype = input.x_BSD.scalar_type();
  const auto slot_BQD = torch::matmul(dispatch_BSQ.transpose(1, 2).to(dtype), input.x_BSD);
  return torch::matmul(combine_BSQ.to(dtype), answers(slot_BQD, input.random));
}

torch::Tensor SoftMoeLayer::scores(const torch::Tensor& x_BSD) const {
  return torch::matmul(unit(x_BSD, 2), scale_ * unit(slot_DQ_, 0));
}

// [B, Q, O]: slots q = e P .. e P + P - 1 answered by expert e.
torch::Tensor SoftMoeLayer::answers(const torch::Tensor& slot_BQD, const RandomKey& random) {
  const int64_t B = slot_BQD.size(0), P = slots_per_expert_;
  std::vector<torch::Tensor> all;
  for (int64_t e = 0; e < num_experts(); ++e) {
    const auto row_ND = slot_BQD.narrow(1, e * P, P).reshape({B * P, width_});
    const auto token_N = (torch::arange(B).unsqueeze(1) * num_slots() + torch::arange(e * P, (e + 1) * P)).reshape(-1);
    const auto answer_NO = experts_[static_cast<size_t>(e)]->forward({row_ND, token_N, slot_BQD, {}, random});
    all.push_back(answer_NO.view({B, P, output_width_}));
  }
  return torch::cat(all, 1);
}

CostPair SoftMoeLayer::cost(double num_tokens, int64_t length) const {
  const auto Q = static_cast<double>(num_slots());
  const double num_sequences = num_tokens / static_cast<double>(length);
  // Scores, the slots and the answers; the slots' directions are brought to length 1, which is no product.
  Cost mixing{num_tokens * Q * static_cast<double>(2 * width_ + output_width_), slot_DQ_.numel() + 1, 0};
  CostPair total{mixing, mixing};
  const double rows = num_sequences * static_cast<double>(slots_per_expert_);
  for (const auto& expert : experts_) total += expert->cost({rows, num_sequences * Q, num_slots()});
  return total;
}

}  // namespace heterodyne
