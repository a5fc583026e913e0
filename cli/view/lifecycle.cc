#include "cli/view/lifecycle.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

constexpr int kMostColumns = 52;  // of a span

std::string span_of(const Life& life, int64_t last_step, int columns) {
  const auto column = [&](int64_t step) {
    return last_step > 0 ? static_cast<size_t>(std::clamp<int64_t>(step * (columns - 1) / last_step, 0, columns - 1))
                         : 0U;
  };
  const size_t begin = column(life.born), end = std::max(column(life.end), begin);
  std::string text(begin, ' ');
  text += life.born > 0 ? '+' : '|';
  if (end > begin + 1) text += std::string(end - begin - 1, '=');
  if (end > begin) text += life.is_alive ? '|' : 'x';
  return text;
}

bool is_unchanged(const Life& life) { return life.is_alive && life.born == 0 && life.reasons.empty(); }

}  // namespace

std::string runs_of(const std::vector<int64_t>& ids) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < ids.size();) {
    size_t end = begin + 1;
    while (end < ids.size() && ids[end] == ids[end - 1] + 1) ++end;
    parts.push_back(end - begin > 1 ? fmt::format("{}-{}", ids[begin], ids[end - 1]) : std::to_string(ids[begin]));
    begin = end;
  }
  return join(parts);
}

std::vector<std::string> lifecycle_lines(const LayerLives& layer, int width) {
  const auto active = layer.active();
  const std::string head =
      fmt::format("{}   steps 0 .. {}   active {}", layer.layer, with_commas(layer.last_step), active.front().second);
  if (layer.is_fixed()) return {head + " throughout"};
  std::vector<int64_t> unchanged;
  for (const Life& life : layer.experts) {
    if (is_unchanged(life)) unchanged.push_back(life.id);
  }
  std::vector<std::pair<std::string, const Life*>> rows;
  for (const Life& life : layer.experts) {
    if (!is_unchanged(life)) rows.emplace_back(std::to_string(life.id), &life);
    if (!unchanged.empty() && life.id == unchanged.front()) rows.emplace_back(runs_of(unchanged), &life);
  }
  size_t names = 4;
  for (const auto& row : rows) names = std::max(names, row.first.size());
  const int columns = std::clamp(width - static_cast<int>(names) - 30, 10, kMostColumns);
  std::vector<std::string> lines{fmt::format("{} -> {}", head, active.back().second)};
  for (const auto& [name, life] : rows) {
    std::string line = fmt::format("  {:<{}} {}", name, names, span_of(*life, layer.last_step, columns));
    if (!life->reasons.empty()) line += " " + join(life->reasons, "; ");
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace heterodyne::cli
