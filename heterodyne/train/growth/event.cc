#include "heterodyne/train/growth/event.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

// The N of "layers.N".
std::optional<int64_t> number_of(const std::string& layer) {
  constexpr std::string_view kPrefix = "layers.";
  if (!layer.starts_with(kPrefix)) return {};
  const std::string digits = layer.substr(kPrefix.size());
  const bool is_number = !digits.empty() && digits.size() < 10 && digits.find_first_not_of("0123456789") == digits.npos;
  return is_number ? std::optional<int64_t>(std::stoll(digits)) : std::nullopt;
}

std::string text_of(const GrowthEvent& event) {
  if (event.event == "remove") return fmt::format("removed expert {} ({})", event.id, event.reason);
  if (event.event == "add") return fmt::format("added expert {} {}", event.id, event.reason);
  if (event.event == "merge") return fmt::format("merged expert {} into {}", event.parents.back(), event.id);
  return fmt::format("split expert {} off {}", event.id, event.reason);
}

}  // namespace

Table event_line(const GrowthEvent& event, int64_t step) {
  const auto number = number_of(event.layer);
  Table line{{"step", step},           {"layer", number ? Value(*number) : Value(event.layer)},
             {"event", event.event},   {"id", event.id},
             {"reason", event.reason}, {"experts", event.num_experts}};
  if (!event.kind.empty()) line.set("kind", event.kind);
  if (!event.parents.empty()) line.set("parents", Array(event.parents.begin(), event.parents.end()));
  return line;
}

std::vector<std::string> growth_lines(const GrowthReport& report) {
  std::vector<std::string> layers;
  for (const auto& event : report.events) {
    if (std::find(layers.begin(), layers.end(), event.layer) == layers.end()) layers.push_back(event.layer);
  }
  std::vector<std::string> lines;
  for (const auto& layer : layers) {
    std::vector<std::string> parts;
    int64_t before = -1, after = 0;
    for (const auto& event : report.events) {
      if (event.layer != layer) continue;
      after = event.num_experts;
      const bool is_loss = event.event == "remove" || event.event == "merge";
      if (before < 0) before = after + (is_loss ? 1 : -1);
      parts.push_back(text_of(event));
    }
    const auto number = number_of(layer);
    lines.push_back(fmt::format("step {}  {}: {}; active {} -> {}", with_commas(report.step),
                                number ? fmt::format("layer {}", *number) : layer, join(parts), before, after));
  }
  return lines;
}

}  // namespace heterodyne
