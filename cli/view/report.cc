#include "cli/view/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/output.h"
#include "cli/view/class_view.h"
#include "cli/view/modality_view.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

constexpr std::array kHeights = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
constexpr std::array kEighths = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
constexpr size_t kLongestName = 16;
constexpr size_t kMostClasses = 3;
constexpr int kLongestBar = 28;

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }
double ratio(int64_t part, int64_t whole) { return ratio(static_cast<double>(part), static_cast<double>(whole)); }

std::string cut(const std::string& text, size_t columns) {
  if (columns_of(text) <= columns) return text;
  std::string kept;
  size_t used = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (begins && ++used >= columns) break;
    kept += c;
  }
  return kept + "\u2026";
}

std::string padded(const std::string& text, size_t columns) {
  return text + std::string(columns - std::min(columns, columns_of(text)), ' ');
}

std::vector<std::string> shown_names(const ClassView& view, size_t e) {
  std::vector<std::string> names = view.names_above(e);
  names.resize(std::min(names.size(), kMostClasses));
  for (auto& name : names) name = cut(printable(name), kLongestName);
  return names;
}

// The parts with two spaces between them, on as many lines as they need; all but the first are indented.
void add_wrapped(const std::vector<std::string>& parts, size_t width, std::vector<std::string>& lines) {
  std::string line;
  for (const auto& part : parts) {
    if (!line.empty() && columns_of(line) + 2 + columns_of(part) > width) {
      lines.push_back(cut(line, width));
      line = "  " + part;
    } else {
      line += (line.empty() ? "" : "  ") + part;
    }
  }
  lines.push_back(cut(line, width));
}

std::string expert_name(const ExpertFacts& expert) {
  return fmt::format("{} {}", expert.id, cut(printable(expert.name), kLongestName));
}

std::vector<std::string> totals(const LayerProfile& layer) {
  const LayerCounts& counts = layer.counts;
  const Balance balance = balance_of(counts.count_E);
  const int64_t wanted = counts.num_assignments() + counts.num_dropped;
  return {fmt::format("{}   {} assignments", printable(counts.layer), with_commas(counts.num_assignments())),
          fmt::format("k {:.2f}", counts.mean_k()),
          fmt::format("CV {:.3f}", balance.cv),
          fmt::format("H {:.3f}", balance.entropy),
          fmt::format("effective {:.2f}", balance.effective),
          fmt::format("max/ideal {:.2f}", balance.max_violation + 1),
          fmt::format("dead {}", balance.num_dead),
          fmt::format("unrouted {:.1f} %", 100 * ratio(counts.num_unrouted, counts.num_tokens)),
          fmt::format("drop {:.1f} %", 100 * ratio(counts.num_dropped, wanted))};
}

// The columns of the experts of one layer, as wide as its widest entries.
class ExpertLines {
 public:
  ExpertLines(const LayerProfile& layer, const ClassView& view, size_t width)
      : layer_(layer), view_(view), width_(width) {
    for (size_t e = 0; e < layer.experts.size(); ++e) has_names_ = has_names_ || !shown_names(view, e).empty();
    for (size_t e = 0; e < layer.experts.size(); ++e) {
      id_ = std::max(id_, std::to_string(layer.experts[e].id).size());
      name_ = std::max(name_, columns_of(cut(printable(layer.experts[e].name), kLongestName)));
      params_ = std::max(params_, with_commas(layer.experts[e].params).size());
      classes_ = std::max(classes_, columns_of(classes_text(e)));
      largest_ = std::max(largest_, load_share(layer, e));
    }
    const auto fixed = static_cast<int>(2 + id_ + 1 + name_ + 1 + params_ + std::string(" params").size() + 2 +
                                        std::string("  100.0 %  x0.00").size());
    const int left = static_cast<int>(width) - fixed - (view.classes ? 2 + static_cast<int>(classes_) : 0);
    bar_ = std::clamp(left, std::clamp(static_cast<int>(width) - fixed, 0, 8), kLongestBar);
  }

  std::string line(size_t e) const {
    const ExpertFacts& expert = layer_.experts[e];
    const double share = load_share(layer_, e);
    std::string text =
        fmt::format("  {:>{}} {} {:>{}} {}", expert.id, id_, padded(cut(printable(expert.name), kLongestName), name_),
                    with_commas(expert.params), params_, e == 0 ? "params" : "      ");
    if (bar_ > 0) text += "  " + padded(bar(ratio(share, largest_), bar_), static_cast<size_t>(bar_));
    text += fmt::format("  {:>5.1f} %  x{:.2f}", 100 * share, share * static_cast<double>(layer_.num_experts()));
    if (view_.classes) text += "  " + classes_text(e);
    return cut(text, width_);
  }

 private:
  std::string classes_text(size_t e) const {
    const auto names = shown_names(view_, e);
    return (e == 0 && has_names_ ? "most above chance: " : "") + (names.empty() ? "-" : join(names));
  }

  const LayerProfile& layer_;
  const ClassView& view_;
  size_t width_, id_ = 0, name_ = 0, params_ = 0, classes_ = 0;
  double largest_ = 0;
  int bar_ = 0;
  bool has_names_ = false;
};

std::vector<std::string> class_parts(const ClassView& view) {
  if (!view.classes) return {};
  const Information& information = view.information;
  std::string text = fmt::format("class information NMI {:.4f}", information.normalized());
  if (!view.chance) return {text};
  text += fmt::format(" (chance {:.4f} .. {:.4f})", information.normalize(view.chance->low),
                      information.normalize(view.chance->high));
  if (view.is_beyond_chance) return {text};
  return {text, "not distinguishable from chance"};
}

std::vector<std::string> knock_out_parts(const LayerProfile& layer) {
  if (!layer.knock_out) return {};
  std::vector<std::string> parts{"without an expert"};
  for (size_t e = 0; e < layer.experts.size(); ++e) {
    parts.push_back(fmt::format("{}: loss {:+.4f}, accuracy {:+.2f} %", expert_name(layer.experts[e]),
                                layer.knock_out->loss_change_E[e], 100 * layer.knock_out->accuracy_change_E[e]));
  }
  return parts;
}

std::vector<std::string> similarity_parts(const LayerProfile& layer) {
  if (!layer.similarity) return {};
  const size_t E = layer.experts.size();
  std::vector<std::string> parts{fmt::format("similarity (CKA{}, {} tokens)",
                                             layer.similarity->is_debiased ? " debiased" : "",
                                             with_commas(layer.similarity->num_tokens))};
  for (size_t i = 0; i < E; ++i) {
    size_t most = i;
    const auto cka = [&](size_t j) { return layer.similarity->cka_EE[i * E + j]; };
    for (size_t j = 0; j < E; ++j) {
      if (j != i && !std::isnan(cka(j)) && (most == i || cka(j) > cka(most))) most = j;
    }
    if (most == i) continue;
    parts.push_back(fmt::format("{}: most like {}, {:.3f}", expert_name(layer.experts[i]),
                                expert_name(layer.experts[most]), cka(most)));
  }
  return parts;
}

std::vector<std::string> control_parts(const LayerProfile& control) {
  const ClassView view(control);
  const Balance balance = balance_of(control.counts.count_E);
  std::vector<std::string> parts{"with a random router", fmt::format("CV {:.3f}", balance.cv),
                                 fmt::format("H {:.3f}", balance.entropy)};
  for (auto& part : class_parts(view)) parts.push_back(std::move(part));
  for (auto& part : ModalityView(control).parts(control.experts)) parts.push_back(std::move(part));
  return parts;
}

std::vector<std::string> cost_parts(const RoutingProfile& profile) {
  const double routed = profile.cost.routed.macs, executed = profile.cost.executed.macs;
  std::string executed_text = "executed " + short_count(executed);
  if (executed > routed) executed_text += fmt::format(" (x{:.2f})", executed / routed);
  return {fmt::format("MAC of an example: routed {}, {}", short_count(routed), executed_text),
          fmt::format("all experts on all tokens {}", short_count(profile.dense_macs)),
          with_commas(profile.cost.routed.params) + " parameters"};
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
  if (number < 1e12) return fmt::format("{:.2f} G", number / 1e9);
  return fmt::format("{:.2f} T", number / 1e12);
}

std::vector<std::string> routing_lines(const RoutingProfile& profile, int width) {
  const auto columns = static_cast<size_t>(std::max(width, 20));
  std::vector<std::string> lines;
  const auto add = [&](const std::vector<std::string>& parts) {
    if (!parts.empty()) add_wrapped(parts, columns, lines);
  };
  for (size_t l = 0; l < profile.layers.size(); ++l) {
    const LayerProfile& layer = profile.layers[l];
    const ClassView view(layer);
    add(totals(layer));
    const ExpertLines experts(layer, view, columns);
    for (size_t e = 0; e < layer.experts.size(); ++e) lines.push_back(experts.line(e));
    add(class_parts(view));
    add(ModalityView(layer).parts(layer.experts));
    if (l < profile.random_router.size()) add(control_parts(profile.random_router[l]));
    add(knock_out_parts(layer));
    add(similarity_parts(layer));
  }
  add(cost_parts(profile));
  return lines;
}

}  // namespace heterodyne::cli
