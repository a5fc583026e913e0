#include "heterodyne/ops/row_attention.h"

#include <ATen/Dispatch.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/row_attention_cpu.h"

namespace heterodyne::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The first row of each sequence, then N: B + 1 entries.
std::vector<int64_t> rows_of_sequences(const torch::Tensor& token_N, int64_t num_sequences, int64_t length) {
  const int64_t* token = token_N.const_data_ptr<int64_t>();
  std::vector<int64_t> first_row;
  for (int64_t b = 0; b <= num_sequences; ++b) {
    first_row.push_back(std::lower_bound(token, token + token_N.numel(), b * length) - token);
  }
  return first_row;
}

// One call of the kernels for each sequence, several at a time. `work` gets the sequence, its number and first row.
template <class Scalar, class Work>
void for_each_sequence(const RowAttentionInput& in, const torch::Tensor& weights_NHS, const Work& work) {
  const int64_t num_sequences = in.key_value_BS2D.size(0), length = in.key_value_BS2D.size(1);
  const int64_t width = in.query_ND.size(1), row_weights = in.num_heads * length;
  const auto first_row = rows_of_sequences(in.token_N, num_sequences, length);
  const auto* q = in.query_ND.const_data_ptr<Scalar>();
  const auto* kv = in.key_value_BS2D.const_data_ptr<Scalar>();
  const auto* mask = in.mask_BS.defined() ? in.mask_BS.const_data_ptr<bool>() : nullptr;
  const auto* keep = in.keep_NHS.defined() ? in.keep_NHS.const_data_ptr<Scalar>() : nullptr;
  auto* weights = weights_NHS.data_ptr<Scalar>();
  const auto num_keys_N = in.is_causal ? in.token_N.remainder(length) + 1 : torch::Tensor();
  const auto* num_keys = in.is_causal ? num_keys_N.const_data_ptr<int64_t>() : nullptr;
  parallel_for(0, num_sequences, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t row = first_row[static_cast<size_t>(b)];
      const int64_t num_rows = first_row[static_cast<size_t>(b) + 1] - row;
      const Scalar* keys = kv + b * length * 2 * width;
      work(internal::AttentionSequence<Scalar>{num_rows, length, in.num_heads, width, 2 * width, q + row * width, keys,
                                               keys + width, mask ? mask + b * length : nullptr,
                                               keep ? keep + row * row_weights : nullptr, weights + row * row_weights,
                                               num_keys ? num_keys + row : nullptr},
           b, row);
    }
  });
}

template <class Scalar>
size_t scratch_of(const internal::AttentionSequence<Scalar>& sequence) {
  return static_cast<size_t>(internal::AttentionKernels<Scalar>::scratch_of(sequence));
}

RowAttentionInput unpack(const variable_list& saved, int64_t num_heads, bool is_causal) {
  return {saved[0], saved[1], saved[2], saved[3], saved[4], num_heads, is_causal};
}

struct RowAttention : torch::autograd::Function<RowAttention> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& query_ND, const torch::Tensor& key_value_BS2D,
                               const RowAttentionInput& rest) {
    const RowAttentionInput in{query_ND,      key_value_BS2D, rest.token_N,  rest.mask_BS,
                               rest.keep_NHS, rest.num_heads, rest.is_causal};
    auto weights_NHS = torch::empty({query_ND.size(0), in.num_heads, key_value_BS2D.size(1)}, query_ND.options());
    auto output_ND = torch::empty_like(query_ND);
    AT_DISPATCH_FLOATING_TYPES(query_ND.scalar_type(), "row_attention", [&] {
      auto* out = output_ND.data_ptr<scalar_t>();
      for_each_sequence<scalar_t>(in, weights_NHS, [&](const auto& sequence, int64_t, int64_t row) {
        std::vector<scalar_t> scratch(scratch_of(sequence));
        internal::AttentionKernels<scalar_t>::forward(sequence, out + row * sequence.width, scratch.data());
      });
    });
    ctx->save_for_backward({query_ND, key_value_BS2D, in.token_N, in.mask_BS, in.keep_NHS, weights_NHS});
    ctx->saved_data["num_heads"] = in.num_heads;
    ctx->saved_data["is_causal"] = in.is_causal;
    return output_ND;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grad) {
    const auto saved = ctx->get_saved_variables();
    const auto in = unpack(saved, ctx->saved_data["num_heads"].toInt(), ctx->saved_data["is_causal"].toBool());
    const auto d_output = grad[0].contiguous();
    auto dquery = torch::empty_like(in.query_ND);
    auto dkey_value = torch::zeros_like(in.key_value_BS2D);
    AT_DISPATCH_FLOATING_TYPES(dquery.scalar_type(), "row_attention_backward", [&] {
      const auto* d_o = d_output.const_data_ptr<scalar_t>();
      auto* dq = dquery.data_ptr<scalar_t>();
      auto* dkv = dkey_value.data_ptr<scalar_t>();
      for_each_sequence<scalar_t>(in, saved[5], [&](const auto& sequence, int64_t b, int64_t row) {
        std::vector<scalar_t> scratch(scratch_of(sequence));
        auto* dkeys = dkv + b * sequence.length * sequence.key_stride;
        internal::AttentionKernels<scalar_t>::backward(sequence, d_o + row * sequence.width, dq + row * sequence.width,
                                                       dkeys, dkeys + sequence.width, scratch.data());
      });
    });
    return {dquery, dkey_value, {}};
  }
};

}  // namespace

torch::Tensor row_attention(const RowAttentionInput& input) {
  const auto& q = input.query_ND;
  const auto& kv = input.key_value_BS2D;
  check_shape("row_attention", "query_ND", q, {"N", "D"});
  check_shape("row_attention", "key_value_BS2D", kv, {"B", "S", {"2 D", 2 * q.size(1)}});
  check_shape("row_attention", "token_N", input.token_N, {{"N", q.size(0)}});
  if (input.mask_BS.defined()) {
    check_shape("row_attention", "mask_BS", input.mask_BS, {{"B", kv.size(0)}, {"S", kv.size(1)}});
  }
  if (input.keep_NHS.defined()) {
    check_shape("row_attention", "keep_NHS", input.keep_NHS,
                {{"N", q.size(0)}, {"H", input.num_heads}, {"S", kv.size(1)}});
  }
  HETERODYNE_DCHECK(input.num_heads > 0 && q.size(1) % input.num_heads == 0);
  RowAttentionInput rest = input;
  rest.token_N = input.token_N.contiguous();
  if (rest.mask_BS.defined()) rest.mask_BS = rest.mask_BS.contiguous();
  if (rest.keep_NHS.defined()) rest.keep_NHS = rest.keep_NHS.contiguous();
  return RowAttention::apply(q.contiguous(), kv.contiguous(), rest);
}

}  // namespace heterodyne::ops
