#include "heterodyne/ops/rows/cached_attention.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/ops/kernel_input.h"
#include "heterodyne/ops/rows/cached_attention_cpu.h"
#include "heterodyne/ops/scratch.h"

namespace heterodyne::ops {
namespace {

constexpr int64_t kFewTokens = 8;

void check(const CachedAttentionInput& input) {
  check_shape("cached_attention", "query_BHSC", input.query_BHSC, {"B", "H", "S", "C"});
  const int64_t B = input.query_BHSC.size(0), H = input.query_BHSC.size(1), S = input.query_BHSC.size(2),
                C = input.query_BHSC.size(3);
  if (input.key_BGPC.empty() || input.key_BGPC.size() != input.value_BGPC.size())
    throw ShapeError("cached_attention", fmt::format("expected as many parts of keys as of values, got {} and {}",
                                                     input.key_BGPC.size(), input.value_BGPC.size()));
  const int64_t G = input.key_BGPC[0].dim() == 4 ? input.key_BGPC[0].size(1) : 0;
  if (G < 1 || H % G != 0)
    throw ShapeError("cached_attention", fmt::format("expected a divisor of {} key heads, got {}", H, G));
  int64_t P = 0;
  for (size_t i = 0; i < input.key_BGPC.size(); ++i) {
    check_shape("cached_attention", "key_BGPC", input.key_BGPC[i], {{"B", B}, {"G", G}, "P", {"C", C}});
    const int64_t size = input.key_BGPC[i].size(2);
    check_shape("cached_attention", "value_BGPC", input.value_BGPC[i], {{"B", B}, {"G", G}, {"P", size}, {"C", C}});
    P += size;
  }
  if (P < S) throw ShapeError("cached_attention", fmt::format("expected keys of {} tokens or more, got {}", S, P));
  if (input.sink_H.defined()) check_shape("cached_attention", "sink_H", input.sink_H, {{"H", H}});
}

// Rows that lie one value beside the other.
std::vector<torch::Tensor> with_whole_rows(const std::vector<torch::Tensor>& parts) {
  std::vector<torch::Tensor> all;
  for (const auto& part : parts) all.push_back(part.stride(3) == 1 ? part : part.contiguous());
  return all;
}

}  // namespace

bool can_run_cached_attention(const CachedAttentionInput& input) {
  if (torch::GradMode::is_enabled() || input.query_BHSC.size(2) > kFewTokens) return false;
  if (!is_kernel_input(input.query_BHSC)) return false;
  for (const auto* parts : {&input.key_BGPC, &input.value_BGPC}) {
    for (const auto& part : *parts) {
      if (!is_kernel_input(part)) return false;
    }
  }
  return !input.sink_H.defined() || is_kernel_input(input.sink_H);
}

torch::Tensor cached_attention(const CachedAttentionInput& input) {
  check(input);
  const auto query = input.query_BHSC.contiguous();
  const auto sink = input.sink_H.defined() ? input.sink_H.contiguous() : torch::Tensor();
  const auto keys = with_whole_rows(input.key_BGPC), values = with_whole_rows(input.value_BGPC);
  const int64_t B = query.size(0), H = query.size(1), S = query.size(2), C = query.size(3), G = keys[0].size(1);
  int64_t P = 0;
  for (const auto& part : keys) P += part.size(2);
  auto answer = torch::empty_like(query);
  // Where groups are fewer than threads would like, each head is one.
  const int64_t shared = H / G, heads = B * G < 2 * at::get_num_threads() ? 1 : shared, groups = H / heads;
  for_each_task(B * groups, [&](int64_t task) {
    const int64_t b = task / groups, h = task % groups * heads, g = h / shared;
    std::vector<internal::CachedPart> parts;
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto &key = keys[i], &value = values[i];
      parts.push_back({key.const_data_ptr<float>() + b * key.stride(0) + g * key.stride(1),
                       value.const_data_ptr<float>() + b * value.stride(0) + g * value.stride(1), key.size(2),
                       key.stride(2), value.stride(2)});
    }
    const int64_t at = (b * H + h) * S * C;
    const internal::CachedGroup group{parts,
                                      query.const_data_ptr<float>() + at,
                                      sink.defined() ? sink.const_data_ptr<float>() + h : nullptr,
                                      answer.data_ptr<float>() + at,
                                      heads,
                                      S,
                                      P,
                                      C,
                                      input.window};
    internal::attend_group(group, thread_scratch(internal::cached_work_size(group)));
  });
  return answer;
}

}  // namespace heterodyne::ops
