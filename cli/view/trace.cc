#include "cli/view/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

// Of the 256-colour palette: told apart by people with any kind of sight, readable on dark and light ground.
constexpr std::array kColours = {33, 208, 34, 170, 178, 39, 160, 105, 72, 131, 244, 202};

std::string shown(const std::string& piece) {
  std::vector<std::string> lines;
  for (const auto& line : split(piece, '\n')) lines.push_back(printable(line));
  return join(lines, "\n");
}

// Bytes at the end of the text that begin a character whose other bytes have not come yet.
size_t unfinished(const std::string& text) {
  for (size_t count = 1; count <= 3 && count <= text.size(); ++count) {
    const auto byte = static_cast<unsigned char>(text[text.size() - count]);
    if ((byte & 0xC0) == 0x80) continue;
    const size_t whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1;
    return count < whole ? count : 0;
  }
  return 0;
}

}  // namespace

Trace::Trace(Network& network, Terminal& terminal, bool shows_experts)
    : terminal_(terminal), shows_experts_(shows_experts && !network.moe_layers().empty()) {
  if (!shows_experts_) return;
  const MoeLayer& layer = *network.moe_layers().front();
  ids_ = layer.ids();
  for (const auto& slot : layer.slots()) names_.push_back(layer.group_name(slot.group));
}

int64_t Trace::position_of(int64_t id) const { return std::find(ids_.begin(), ids_.end(), id) - ids_.begin(); }

void Trace::add(const std::string& piece, const std::vector<std::vector<int64_t>>& experts) {
  unfinished_ += piece;
  const size_t later = unfinished(unfinished_);
  std::string text = shown(unfinished_.substr(0, unfinished_.size() - later));
  unfinished_.erase(0, unfinished_.size() - later);
  if (!piece.empty()) last_character_ = piece.back();
  if (shows_experts_) {
    const int64_t first = experts.empty() || experts[0].empty() ? -1 : experts[0][0];
    ++count_[first];
    if (terminal_.has_colour()) {
      const auto colour = first < 0 ? 244 : kColours[static_cast<size_t>(position_of(first)) % kColours.size()];
      text = fmt::format("\033[38;5;{}m{}\033[0m", colour, text);
    } else if (first != last_) {
      text = fmt::format("[{}]{}", first < 0 ? "-" : std::to_string(first), text);
    }
    last_ = first;
  }
  terminal_.print_part(text);
}

void Trace::finish() {
  terminal_.print_part(shown(unfinished_));
  unfinished_.clear();
  if (last_character_ != '\n') terminal_.print_part("\n");
  if (!shows_experts_) return;
  int64_t all = 0;
  for (const auto& [id, count] : count_) all += count;
  std::vector<std::string> parts;
  for (const auto& [id, count] : count_) {
    const std::string share = fmt::format("{:.0f} %", 100.0 * static_cast<double>(count) / static_cast<double>(all));
    if (id < 0) {
      parts.push_back("none " + share);
      continue;
    }
    const auto position = static_cast<size_t>(position_of(id));
    std::string name = fmt::format("{} {}", id, names_[position]);
    if (terminal_.has_colour())
      name = fmt::format("\033[38;5;{}m{}\033[0m", kColours[position % kColours.size()], name);
    parts.push_back(name + " " + share);
  }
  terminal_.print_part("\nfirst expert in layer 0: " + join(parts, "   ") + "\n");
}

}  // namespace heterodyne::cli
