#include "cli/bench/model_report.h"

#include <fmt/format.h>

#include <cmath>

#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

// Forward and backward, a multiply-add as two operations.
double flops_of(const ModelResult& model) { return 6 * model.macs; }

std::string shares_text(const std::map<std::string, double>& shares) {
  std::string text;
  for (const char* phase : {"data", "forward", "backward", "optimizer", "other"}) {
    const auto found = shares.find(phase);
    if (found != shares.end())
      text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : "  ", phase, 100 * found->second);
  }
  return text;
}

Table table_of(const std::map<std::string, double>& shares) {
  Table table;
  for (const auto& [name, share] : shares) table.set(name, share);
  return table;
}

}  // namespace

std::string model_line(const ModelResult& model, const MachineRates& machine) {
  const auto spread = spread_of(model.timing.seconds);
  const double rate = flops_of(model) / spread.median;
  return fmt::format(
      "{}  {} params   step {:.1f} ms (min {:.1f}, p5 {:.1f}, p95 {:.1f})   {} {}/s   {:.0f} GFLOP/s, {:.0f} % of peak "
      "  {}   memory {:.1f} MB",
      model.name, with_commas(model.num_params), 1e3 * spread.median, 1e3 * spread.min, 1e3 * spread.p5,
      1e3 * spread.p95, with_commas(std::llround(static_cast<double>(model.examples) / spread.median)),
      model.is_text ? "tok" : "img", 1e-9 * rate, 100 * rate / machine.product, shares_text(model.phases),
      1e-6 * model.peak_bytes);
}

Rows model_rows(const ModelBench& bench) {
  Rows rows{{"model", "params", "min ms", "median ms", "p95 ms", "per s", "GFLOP/s", "first / it", "p5", "p95"}, {}};
  for (const auto& model : bench.models) {
    const auto spread = spread_of(model.timing.seconds);
    const auto ratio = ratio_of(bench.models[0].timing, model.timing);
    const auto number = [](double value, double digits) { return Value(std::round(value * digits) / digits); };
    const bool is_first = &model == &bench.models.front();
    rows.rows.push_back({model.name, model.num_params, number(1e3 * spread.min, 100), number(1e3 * spread.median, 100),
                         number(1e3 * spread.p95, 100), number(static_cast<double>(model.examples) / spread.median, 1),
                         number(1e-9 * flops_of(model) / spread.median, 1),
                         is_first ? Value() : number(ratio.median, 1000), is_first ? Value() : number(ratio.p5, 1000),
                         is_first ? Value() : number(ratio.p95, 1000)});
  }
  return rows;
}

Rows part_rows(const ModelBench& bench) {
  Rows rows{{"model", "part", "% of the step"}, {}};
  for (const auto& model : bench.models) {
    for (const auto& [name, share] : model.parts)
      rows.rows.push_back({model.name, name, std::round(1000 * share) / 10});
  }
  return rows;
}

Array model_objects(const ModelBench& bench) {
  Array all;
  for (const auto& model : bench.models) {
    const auto spread = spread_of(model.timing.seconds);
    const auto ratio = ratio_of(bench.models[0].timing, model.timing);
    all.push_back(Table{{"model", model.name},
                        {"params", model.num_params},
                        {"examples", model.examples},
                        {"flops", flops_of(model)},
                        {"min_ms", 1e3 * spread.min},
                        {"p5_ms", 1e3 * spread.p5},
                        {"median_ms", 1e3 * spread.median},
                        {"p95_ms", 1e3 * spread.p95},
                        {"examples_per_s", static_cast<double>(model.examples) / spread.median},
                        {"first_over_it", ratio.median},
                        {"phases", table_of(model.phases)},
                        {"parts", table_of(model.parts)},
                        {"loss", model.loss},
                        {"peak_bytes", model.peak_bytes},
                        {"peak_gflops", 1e-9 * bench.machine.product}});
  }
  return all;
}

}  // namespace heterodyne::cli
