#include "cli/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

constexpr std::array kHeights = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
constexpr std::array kEighths = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};

int64_t params_of(const Expert& expert) { return expert.cost({1, 1, 1}).routed.params; }

std::string expert_line(const MoeLayer& layer, size_t position, double share, double fair, int bar_width) {
  const ExpertSlot& slot = layer.slots()[position];
  const std::string drawn = bar(share, bar_width);
  return fmt::format("  {:>3} {:<12} {:>10} params  {}{} {:>5.1f} %  x{:.2f}", slot.id, layer.group_name(slot.group),
                     with_commas(params_of(*slot.expert)), drawn,
                     std::string(static_cast<size_t>(bar_width) - columns_of(drawn), ' '), 100 * share, share / fair);
}

}  // namespace

std::string bar(double share, int width) {
  const int eighths = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width * 8));
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += kHeights[7];
  return text + kEighths[static_cast<size_t>(eighths % 8)];
}

std::string tiny_bars(const std::vector<int64_t>& counts) {
  const int64_t largest = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  std::string text;
  for (const int64_t count : counts) {
    const auto height = largest > 0 ? std::min<int64_t>(7, count * 8 / largest) : 0;
    text += count == 0 ? " " : kHeights[static_cast<size_t>(height)];
  }
  return text;
}

std::string short_count(double number) {
  if (number < 1e3) return fmt::format("{:.0f}", number);
  if (number < 1e6) return fmt::format("{:.2f} k", number / 1e3);
  if (number < 1e9) return fmt::format("{:.2f} M", number / 1e6);
  return fmt::format("{:.2f} G", number / 1e9);
}

std::vector<std::string> routing_lines(Network& network, const Evaluation& evaluation, int width) {
  std::vector<std::string> lines;
  const int bar_width = std::clamp(width - 60, 10, 50);
  const auto layers = network.moe_layers();
  for (size_t l = 0; l < layers.size() && l < evaluation.routing.layers().size(); ++l) {
    const LayerCounts& counts = evaluation.routing.layers()[l];
    const Balance balance = balance_of(counts.count_E);
    const auto assignments = static_cast<double>(std::max<int64_t>(counts.num_assignments(), 1));
    const double unrouted =
        counts.num_tokens > 0 ? static_cast<double>(counts.num_unrouted) / static_cast<double>(counts.num_tokens) : 0;
    lines.push_back(
        fmt::format("{}   {} assignments  k {:.2f}  CV {:.3f}  H {:.3f}  effective {:.2f}  max/ideal {:.2f}  dead {}  "
                    "unrouted {:.1f} %",
                    layers[l]->layer_name(), with_commas(counts.num_assignments()), counts.mean_k(), balance.cv,
                    balance.entropy, balance.effective, balance.max_violation + 1, balance.num_dead, 100 * unrouted));
    const double fair = 1 / static_cast<double>(counts.count_E.size());
    for (size_t e = 0; e < counts.count_E.size(); ++e)
      lines.push_back(
          expert_line(*layers[l], e, static_cast<double>(counts.count_E[e]) / assignments, fair, bar_width));
  }
  lines.push_back(fmt::format("MACs per image: routed {}, executed {}   {} parameters",
                              short_count(evaluation.cost.routed.macs), short_count(evaluation.cost.executed.macs),
                              with_commas(num_params(network))));
  return lines;
}

}  // namespace heterodyne::cli
