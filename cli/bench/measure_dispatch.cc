#include "cli/bench/measure_dispatch.h"

#include <ATen/ops/linear.h>
#include <fmt/format.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/nn/linear.h"
#include "heterodyne/ops/combine.h"
#include "heterodyne/ops/permute.h"

namespace heterodyne::cli {
namespace {

std::function<void()> quietly(std::function<void()> work) {
  return [work] {
    const torch::NoGradGuard no_grad;
    work();
  };
}

// The choices that a plan came from, as a router hands them to plan_routing().
torch::Tensor choices_of(const ops::RoutingPlan& plan) {
  const int64_t K = plan.num_pairs() > 0 ? plan.choice_N.max().item<int64_t>() + 1 : 1;
  auto expert_TK = torch::full({plan.num_tokens(), K}, -1, torch::kInt64);
  expert_TK.index_put_({plan.token_N, plan.choice_N}, plan.expert_N);
  return expert_TK;
}

}  // namespace

const Timing& DispatchResult::of(const std::string& name) const {
  for (const auto& timing : timings) {
    if (timing.name == name) return timing;
  }
  throw Error(fmt::format("bench: {}: expected a time of \"{}\", there is none", shape.id, name));
}

DispatchResult measure_dispatch(const LayerShape& shape, const InterleaveOptions& options) {
  const torch::NoGradGuard no_grad;
  DispatchResult result;
  result.shape = shape;
  const auto layer = make_layer(shape);
  const int64_t E = result.num_experts = layer->num_experts(), D = shape.width;
  const auto x_BSD = random_input(shape);
  RouteInput input{x_BSD.view({-1, D}), x_BSD.size(0), x_BSD.size(1), {}, {1, 0}, {}};
  input.token_id_T = torch::arange(shape.tokens).remainder(997);
  const auto routing = layer->router().route(input);
  result.pairs = static_cast<double>(routing.num_pairs());
  const auto expert_TK = choices_of(routing.plan);
  const auto rows = ops::permute(input.x_TD, routing.plan);
  const nn::Linear gate({D, E, false}, {1, "bench.gate"});
  const auto gate_ED = torch::ones({E, D});
  result.timings =
      interleave({{"router", quietly([&] { layer->router().route(input); }), {}},
                  {"sort", quietly([&] { ops::plan_routing(expert_TK, E); }), {}},
                  {"logits", quietly([&] { gate.forward(input.x_TD); }), {}},
                  {"logits mm", quietly([&] { at::linear(input.x_TD, gate_ED); }), {}},
                  {"permute", quietly([&] { ops::permute(input.x_TD, routing.plan); }), {}},
                  {"combine", quietly([&] { ops::combine(rows, routing.weight_N, routing.plan, D); }), {}}},
                 options);
  return result;
}

Rows dispatch_rows(const std::vector<DispatchResult>& results) {
  Rows rows{{"shape", "router", "experts", "pairs", "router ms", "sort ms", "logits ms", "logits mm ms",
             "(router - logits) / logits", "permute ms", "combine ms"},
            {}};
  for (const auto& result : results) {
    const auto least = [&](const char* name) { return spread_of(result.of(name).seconds).min; };
    const double logits = least("logits");
    rows.rows.push_back({result.shape.id, result.shape.router.kind, result.num_experts,
                         static_cast<int64_t>(result.pairs), milliseconds(least("router")), milliseconds(least("sort")),
                         milliseconds(least("logits")), milliseconds(least("logits mm")),
                         std::round(100 * (least("router") - logits) / logits) / 100, milliseconds(least("permute")),
                         milliseconds(least("combine"))});
  }
  return rows;
}

Array dispatch_objects(const std::vector<DispatchResult>& results) {
  Array all;
  for (const auto& result : results) {
    Table point{{"shape", result.shape.id},    {"router", result.shape.router.kind}, {"tokens", result.shape.tokens},
                {"width", result.shape.width}, {"num_experts", result.num_experts},  {"pairs", result.pairs}};
    for (const auto& timing : result.timings) point.set(timing.name, table_of(spread_of(timing.seconds)));
    all.push_back(point);
  }
  return all;
}

}  // namespace heterodyne::cli
