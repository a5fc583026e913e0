#include "heterodyne/ops/transport.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "heterodyne/base/parallel.h"
#include "heterodyne/base/shape.h"

namespace heterodyne::ops {
namespace {

constexpr int64_t kGrain = 256;  // rows a thread takes at least

// log sum of exp(value(i)) for i in 0 .. count - 1, in that order.
template <class Value>
double log_sum_exp(int64_t count, const Value& value) {
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, value(i));
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += std::exp(value(i) - largest);
  return largest + std::log(sum);
}

// Calls body(i) for each of 0 .. count - 1; no result depends on who computes it.
template <class Body>
void for_each(int64_t count, int64_t grain, const Body& body) {
  parallel_for(0, count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace

torch::Tensor sinkhorn_plan(const torch::Tensor& logit_TE, const PlanEffort& effort) {
  check_shape("sinkhorn_plan", "logit_TE", logit_TE, {"T", "E"});
  const int64_t T = logit_TE.size(0), E = logit_TE.size(1);
  const auto plan_TE = logit_TE.detach().to(torch::kFloat64, false, true).contiguous();
  if (T == 0 || E == 0) return plan_TE;
  double* plan = plan_TE.data_ptr<double>();
  std::vector<double> row_T(static_cast<size_t>(T)), column_E(static_cast<size_t>(E), 0.0), change_E(column_E);
  const double row_sum = -std::log(static_cast<double>(T)), column_sum = -std::log(static_cast<double>(E));
  const auto scale_rows = [&] {
    for_each(T, kGrain, [&](int64_t t) {
      row_T[static_cast<size_t>(t)] =
          row_sum - log_sum_exp(E, [&](int64_t e) { return plan[t * E + e] + column_E[static_cast<size_t>(e)]; });
    });
  };
  for (int64_t i = 0; i < effort.iterations; ++i) {
    scale_rows();
    for_each(E, 1, [&](int64_t e) {
      const auto column = static_cast<size_t>(e);
      const double next =
          column_sum - log_sum_exp(T, [&](int64_t t) { return plan[t * E + e] + row_T[static_cast<size_t>(t)]; });
      change_E[column] = std::abs(std::expm1(next - column_E[column]));
      column_E[column] = next;
    });
    double change = 0;
    for (const double each : change_E) change += each / static_cast<double>(E);
    if (change < effort.tolerance) break;
  }
  scale_rows();
  for_each(T, kGrain, [&](int64_t t) {
    for (int64_t e = 0; e < E; ++e) {
      double& entry = plan[t * E + e];
      entry = std::exp(entry + row_T[static_cast<size_t>(t)] + column_E[static_cast<size_t>(e)]);
    }
  });
  return plan_TE;
}

torch::Tensor capped_plan(const torch::Tensor& score_TE, const PlanCaps& caps) {
  check_shape("capped_plan", "score_TE", score_TE, {"T", "E"});
  const int64_t T = score_TE.size(0), E = score_TE.size(1);
  const auto plan_TE = (score_TE.detach().to(torch::kFloat64) / caps.smoothing).contiguous();
  double* plan = plan_TE.data_ptr<double>();
  // What Dykstra's algorithm gives back before it projects again: of rows one factor, of 0 <= A <= 1 one for each
  // entry. The columns' sums are equations, for which nothing need be given back.
  std::vector<double> row_given_T(static_cast<size_t>(T), 0.0), given_TE(static_cast<size_t>(T * E), 0.0);
  const double column_sum = std::log(caps.column_sum), row_most = std::log(caps.row_most);
  for (int64_t i = 0; i < caps.iterations; ++i) {
    for_each(E, 1, [&](int64_t e) {
      const double shift = column_sum - log_sum_exp(T, [&](int64_t t) { return plan[t * E + e]; });
      for (int64_t t = 0; t < T; ++t) plan[t * E + e] += shift;
    });
    for_each(T, kGrain, [&](int64_t t) {
      double* row = plan + t * E;
      double& given = row_given_T[static_cast<size_t>(t)];
      const double sum = given + log_sum_exp(E, [&](int64_t e) { return row[e]; });
      const double shift = std::min(0.0, row_most - sum);
      for (int64_t e = 0; e < E; ++e) {
        double& given_here = given_TE[static_cast<size_t>(t * E + e)];
        const double wanted = row[e] + given + shift + given_here;
        row[e] = std::min(0.0, wanted);
        given_here = wanted - row[e];
      }
      given = -shift;
    });
  }
  return plan_TE;
}

}  // namespace heterodyne::ops
