#include "heterodyne/ops/gates/any_gate.h"

#include <ATen/Dispatch.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"
#include "heterodyne/ops/gates/any_gate_cpu.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kBlockTokens = 256;  // whose sums are added up before the blocks are, in order

template <class Scalar>
internal::AnyGateArgs<Scalar> args_of(const torch::Tensor& dot_TE, const torch::Tensor& length_T1,
                                      const torch::Tensor& threshold_E, const torch::Tensor& scale) {
  return {dot_TE.const_data_ptr<Scalar>(),
          length_T1.const_data_ptr<Scalar>(),
          threshold_E.const_data_ptr<Scalar>(),
          scale.item<Scalar>(),
          dot_TE.size(1),
          false};
}

int64_t num_blocks(int64_t tokens) { return (tokens + kBlockTokens - 1) / kBlockTokens; }

struct Found {
  torch::Tensor expert_TK, logit_TE;
};

// expert_TE [T, E]: the first count_T of each row count.
torch::Tensor cut_to_longest(const torch::Tensor& expert_TE, const torch::Tensor& count_T) {
  const int64_t T = expert_TE.size(0), E = expert_TE.size(1);
  const auto* from = expert_TE.const_data_ptr<int32_t>();
  const auto* count = count_T.const_data_ptr<int64_t>();
  const int64_t K = std::max<int64_t>(1, T > 0 ? *std::max_element(count, count + T) : 1);
  auto expert_TK = torch::empty({T, K}, torch::kInt64);
  auto* to = expert_TK.data_ptr<int64_t>();
  parallel_for(0, T, (1 << 15) / K + 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t k = 0; k < K; ++k) to[t * K + k] = k < count[t] ? from[t * E + k] : -1;
    }
  });
  return expert_TK;
}

Found choose(const AnyGateInput& input, const std::string& where) {
  const int64_t T = input.dot_TE.size(0), E = input.dot_TE.size(1);
  Found found{{}, torch::empty({T, E}, input.dot_TE.options())};
  const auto expert_TE = torch::empty({T, E}, torch::kInt32), count_T = torch::empty({T}, torch::kInt64);
  std::vector<int64_t> bad(static_cast<size_t>(num_blocks(T)), -1);
  AT_DISPATCH_FLOATING_TYPES(input.dot_TE.scalar_type(), "any_gate", [&] {
    auto args = args_of<scalar_t>(input.dot_TE, input.length_T1, input.threshold_E, input.scale);
    args.takes_best = input.takes_best;
    parallel_for(0, num_blocks(T), 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        bad[static_cast<size_t>(block)] = internal::any_gate_rows(
            args, found.logit_TE.data_ptr<scalar_t>(), expert_TE.data_ptr<int32_t>(), count_T.data_ptr<int64_t>(),
            block * kBlockTokens, std::min(T, (block + 1) * kBlockTokens));
      }
    });
  });
  const auto first = std::find_if(bad.begin(), bad.end(), [](int64_t token) { return token >= 0; });
  if (first != bad.end()) {
    const int64_t num_bad = torch::isnan(input.dot_TE / input.length_T1).any(1).sum().item<int64_t>();
    throw Error(where, fmt::format("scores: expected numbers, got NaN for {} of {} tokens, the first is token {}",
                                   with_commas(num_bad), with_commas(T), *first));
  }
  found.expert_TK = cut_to_longest(expert_TE, count_T);
  return found;
}

struct Rest {
  bool takes_best;
  std::string where;
};

struct AnyGate : torch::autograd::Function<AnyGate> {
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& dot_TE, const torch::Tensor& length_T1,
                               const torch::Tensor& threshold_E, const torch::Tensor& scale, const Rest& rest) {
    const auto found = choose({dot_TE, length_T1, threshold_E, scale, rest.takes_best}, rest.where);
    ctx->save_for_backward({dot_TE, length_T1, threshold_E, scale, found.expert_TK});
    ctx->mark_non_differentiable({found.expert_TK});
    ctx->set_materialize_grads(false);
    return {found.expert_TK, (found.expert_TK >= 0).to(dot_TE.scalar_type()), found.logit_TE};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    if (torch::GradMode::is_enabled()) throw Error("[ops.any_gate] there are no second derivatives");
    const auto saved = ctx->get_saved_variables();
    const auto &dot_TE = saved[0], &length_T1 = saved[1], &threshold_E = saved[2], &expert_TK = saved[4];
    const int64_t T = dot_TE.size(0), E = dot_TE.size(1);
    const auto dgate_TK = grad[1].defined() ? grad[1].contiguous() : torch::Tensor();
    const auto dlogit_TE = grad[2].defined() ? grad[2].contiguous() : torch::Tensor();
    auto ddot_TE = torch::empty({T, E}, dot_TE.options()), dlength_T1 = torch::empty({T, 1}, dot_TE.options());
    auto sum_ME = torch::zeros({num_blocks(T), E + 1}, torch::kFloat64);
    AT_DISPATCH_FLOATING_TYPES(dot_TE.scalar_type(), "any_gate_backward", [&] {
      const auto args = args_of<scalar_t>(dot_TE, length_T1, threshold_E, saved[3]);
      const auto values = [](const torch::Tensor& tensor) {
        return tensor.defined() ? tensor.const_data_ptr<scalar_t>() : nullptr;
      };
      parallel_for(0, num_blocks(T), 1, [&](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block) {
          const internal::AnyGateBack<scalar_t> back{expert_TK.const_data_ptr<int64_t>(),
                                                     expert_TK.size(1),
                                                     values(dgate_TK),
                                                     values(dlogit_TE),
                                                     ddot_TE.data_ptr<scalar_t>(),
                                                     dlength_T1.data_ptr<scalar_t>(),
                                                     sum_ME.data_ptr<double>() + block * (E + 1)};
          internal::any_gate_rows_back(args, back, block * kBlockTokens, std::min(T, (block + 1) * kBlockTokens));
        }
      });
    });
    const auto sum_E = sum_ME.sum(0).to(dot_TE.scalar_type());
    return {ddot_TE, dlength_T1, sum_E.narrow(0, 0, E), sum_E.narrow(0, E, 1).view(saved[3].sizes()), {}};
  }
};

}  // namespace

AnyGateChoice any_gate(const AnyGateInput& input, const std::string& where) {
  check_shape("any_gate", "dot_TE", input.dot_TE, {"T", "E"});
  check_shape("any_gate", "length_T1", input.length_T1, {{"T", input.dot_TE.size(0)}, {"1", 1}});
  check_shape("any_gate", "threshold_E", input.threshold_E, {{"E", input.dot_TE.size(1)}});
  if (input.scale.numel() != 1)
    throw ShapeError("any_gate", "scale: expected one value, got " + shape_text(input.scale));
  const auto type = input.dot_TE.scalar_type();
  for (const auto* other : {&input.length_T1, &input.threshold_E, &input.scale}) {
    if (other->scalar_type() != type) throw ShapeError("any_gate", "expected all of one type, got another");
  }
  const auto found =
      AnyGate::apply(input.dot_TE.contiguous(), input.length_T1.contiguous(), input.threshold_E.contiguous(),
                     input.scale.contiguous(), Rest{input.takes_best, where});
  return {found[0], found[1], found[2]};
}

}  // namespace heterodyne::ops
