#include "cli/bench/layer_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

// To so many digits, as a table shows it; null for what was not measured.
Value rounded(double value, int digits) {
  if (!std::isfinite(value)) return {};
  const double factor = std::pow(10, digits);
  return std::round(value * factor) / factor;
}

Table spread_table(const Spread& spread) {
  return {{"min", spread.min}, {"p5", spread.p5}, {"median", spread.median}, {"p95", spread.p95}};
}

Table machine_table(const MachineRates& machine) {
  return {{"product_gflops", machine.product * 1e-9},
          {"libtorch_product_gflops", machine.libtorch_product * 1e-9},
          {"own_product_gflops", machine.own_product * 1e-9},
          {"read_gb_per_s", machine.read * 1e-9},
          {"copy_gb_per_s", machine.copy * 1e-9}};
}

bool is_of_the_machine(const std::string& name) {
  return name == "mm" || name == "linear" || name == "read" || name == "copy";
}

// "8 (64..512)": how many experts, and the widths of those that have one.
std::string experts_text(const LayerShape& shape, const LayerWork& work) {
  std::vector<int64_t> hidden;
  for (const auto& group : shape.experts) {
    const Value* value = group.settings.find("hidden");
    if (value && value->if_integer()) hidden.push_back(*value->if_integer());
  }
  if (hidden.empty()) return with_commas(static_cast<int64_t>(work.rows_E.size()));
  const auto [least, most] = std::minmax_element(hidden.begin(), hidden.end());
  return fmt::format("{} ({})", with_commas(static_cast<int64_t>(work.rows_E.size())),
                     *least == *most ? std::to_string(*least) : fmt::format("{}..{}", *least, *most));
}

std::string ratio_text(const LayerResult& result, const PassResult& pass, bool has_spread) {
  std::string text = pass.pass;
  const auto add = [&](const Spread& ratio, const char* to) {
    text += fmt::format(" {:.2f}x {}", ratio.median, to);
    if (has_spread) text += fmt::format(" (p5 {:.2f}, p95 {:.2f})", ratio.p5, ratio.p95);
  };
  if (!pass.dense_best.empty()) add(ratio_of(pass.of("layer"), pass.of(pass.dense_best)), "dense");
  if (result.base_flops > 0)
    add(per_flop_ratio(result, pass), (result.shape.per_flop_of + " for an operation").c_str());
  if (text == pass.pass) text += fmt::format(" {:.2f} ms", 1e3 * spread_of(pass.of("layer").seconds).median);
  return text;
}

}  // namespace

std::string headline(const LayerResult& result) {
  const auto& shape = result.shape;
  std::string text =
      fmt::format("{}  tokens {} width {} experts {} k {:.2g}", shape.id, with_commas(shape.tokens), shape.width,
                  experts_text(shape, result.work), result.work.pairs / static_cast<double>(shape.tokens));
  for (const auto& pass : result.passes) text += "   " + ratio_text(result, pass, &pass == &result.passes.front());
  const auto& forward = result.passes.front();
  const double router = ratio_of(forward.of("router"), forward.of("layer")).median;
  text += fmt::format("   router {:.0f} % of forward", 100 * router);
  if (result.ideal_bytes > 0)
    text += fmt::format("   memory {:.1f} MB, {:.2f}x ideal", result.peak_bytes * 1e-6,
                        result.peak_bytes / result.ideal_bytes);
  return text;
}

std::string machine_line(const MachineRates& machine) {
  return fmt::format(
      "products {:.0f} GFLOP/s (LibTorch {:.0f}, own {:.0f})   memory read {:.0f} GB/s, copied {:.0f} GB/s",
      machine.product * 1e-9, machine.libtorch_product * 1e-9, machine.own_product * 1e-9, machine.read * 1e-9,
      machine.copy * 1e-9);
}

Rows layer_rows(const std::vector<LayerResult>& results) {
  Rows rows{{"shape", "pass", "what", "min ms", "median ms", "GFLOP/s", "of peak %", "layer / it", "p5", "p95"}, {}};
  for (const auto& result : results) {
    for (const auto& pass : result.passes) {
      for (const auto& timing : pass.timings) {
        if (is_of_the_machine(timing.name)) continue;
        const auto spread = spread_of(timing.seconds);
        const bool is_part = timing.name == "router", has_ratio = timing.name != "layer" && !is_part;
        double flops = timing.name == "base" ? result.base_flops * pass.flops / result.work.flops : pass.flops;
        if (is_part) flops = std::nan("");
        const auto ratio = ratio_of(pass.of("layer"), timing);
        const auto& name = timing.name == "base" ? result.shape.per_flop_of : timing.name;
        rows.rows.push_back(
            {result.shape.id, pass.pass, name + (name == pass.dense_best ? " *" : ""), rounded(1e3 * spread.min, 3),
             rounded(1e3 * spread.median, 3), rounded(1e-9 * flops / spread.min, 0),
             rounded(100 * flops / spread.min / pass.machine.product, 0),
             !has_ratio ? Value() : rounded(ratio.median, 3), !has_ratio ? Value() : rounded(ratio.p5, 3),
             !has_ratio ? Value() : rounded(ratio.p95, 3)});
      }
    }
  }
  return rows;
}

Array layer_objects(const std::vector<LayerResult>& results) {
  Array all;
  for (const auto& result : results) {
    for (const auto& pass : result.passes) {
      Table point{{"shape", result.shape.id},
                  {"pass", pass.pass},
                  {"tokens", result.shape.tokens},
                  {"width", result.shape.width},
                  {"num_experts", static_cast<int64_t>(result.work.rows_E.size())},
                  {"pairs", result.work.pairs},
                  {"flops", pass.flops},
                  {"weights", result.work.weights},
                  {"machine", machine_table(pass.machine)}};
      Array works, ratios;
      for (const auto& timing : pass.timings) {
        Table entry{{"name", timing.name}};
        const Table seconds = spread_table(spread_of(timing.seconds));
        for (const auto& [key, value] : seconds.entries()) entry.set(key + "_ms", 1e3 * *value.if_real());
        works.push_back(entry);
        if (timing.name == "layer" || timing.name == "router" || is_of_the_machine(timing.name)) continue;
        Table ratio{{"to", timing.name}};
        const Table spread = spread_table(ratio_of(pass.of("layer"), timing));
        for (const auto& [key, value] : spread.entries()) ratio.set(key, value);
        ratios.push_back(ratio);
      }
      point.set("works", works);
      point.set("ratios", ratios);
      if (!pass.dense_best.empty()) point.set("dense_best", pass.dense_best);
      if (result.base_flops > 0) {
        point.set("per_flop_of", result.shape.per_flop_of);
        point.set("per_flop", spread_table(per_flop_ratio(result, pass)));
      }
      point.set("peak_bytes", result.peak_bytes);
      if (result.ideal_bytes > 0) point.set("ideal_bytes", result.ideal_bytes);
      if (result.is_compared) point.set("difference", result.difference);
      all.push_back(point);
    }
  }
  return all;
}

std::vector<std::string> over_limit(const std::vector<LayerResult>& results, double limit) {
  std::vector<std::string> found;
  for (const auto& result : results) {
    for (const auto& pass : result.passes) {
      if (pass.dense_best.empty()) continue;
      const double ratio = ratio_of(pass.of("layer"), pass.of(pass.dense_best)).median;
      if (ratio > limit) found.push_back(fmt::format("{} {} {:.2f}", result.shape.id, pass.pass, ratio));
    }
  }
  return found;
}

}  // namespace heterodyne::cli
