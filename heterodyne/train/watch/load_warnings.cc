#include "heterodyne/train/watch/load_warnings.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/text.h"
#include "heterodyne/layer/remedies.h"

namespace heterodyne {
namespace {

constexpr int64_t kWholeLayer = -1;  // in the place of an expert's id
// With fewer assignments than this for a fair share, an expert without any says little: independent draws leave one out
// once in e^10 windows.
constexpr double kFewestFair = 10;
constexpr size_t kMostNamed = 5;  // experts in one warning

std::string remedies_of(const Table& config) {
  const Value* moe = config.find_path("model.moe");
  return moe && moe->if_table() ? ". " + remedy_sentence(*moe->if_table()) : "";
}

// "expert 3 (mlp)", "experts 3 (mlp), 4 (mlp) and 7 more"
std::string names_of(const std::vector<std::string>& names) {
  if (names.size() <= kMostNamed) return (names.size() == 1 ? "expert " : "experts ") + join(names);
  return fmt::format("experts {} and {} more", join({names.begin(), names.begin() + kMostNamed}),
                     names.size() - kMostNamed);
}

}  // namespace

LoadWarnings::LoadWarnings(Network& network, const Table& config, Log log)
    : network_(network), remedies_(remedies_of(config)), log_(std::move(log)) {}

void LoadWarnings::on_log(const LogReport& report) {
  for (MoeLayer* layer : network_.moe_layers()) {
    for (const auto& load : report.loads) {
      if (load.counts.layer == layer->layer_name()) look(report, load, *layer);
    }
  }
}

void LoadWarnings::look(const LogReport& report, const LayerLoad& load, MoeLayer& layer) {
  const auto E = static_cast<double>(load.counts.count_E.size());
  const double fair = static_cast<double>(load.counts.num_assignments()) / E;
  if (fair < kFewestFair) return;
  const std::string steps =
      fmt::format("for {} step{}", with_commas(report.num_steps), report.num_steps == 1 ? "" : "s");
  const Balance balance = balance_of(load.counts.count_E);
  if (is_collapsed(balance, load.counts.mean_k(), layer.num_experts()) &&
      is_due(load.counts.layer, kWholeLayer, report.step)) {
    log_.warning(fmt::format("{}: collapsed: {:.1f} of {} experts did the work of all {} at {:.2f} per token{}",
                             load.counts.layer, balance.effective, layer.num_experts(), steps, load.counts.mean_k(),
                             remedies_));
  }
  std::vector<std::string> dead, starved;
  double most = 0;  // shares of the starved
  for (size_t e = 0; e < layer.slots().size() && e < load.id_E.size(); ++e) {
    const ExpertSlot& slot = layer.slots()[e];
    const double share = static_cast<double>(load.counts.count_E[e]) / fair;
    if (slot.id != load.id_E[e] || share >= 0.01 || !is_due(load.counts.layer, slot.id, report.step)) continue;
    (load.counts.count_E[e] == 0 ? dead : starved)
        .push_back(fmt::format("{} ({})", slot.id, layer.group_name(slot.group)));
    most = std::max(most, share);
  }
  const auto warn = [&](const std::vector<std::string>& names, const std::string& got) {
    if (!names.empty())
      log_.warning(load.counts.layer + ": " + names_of(names) + " got " + got + " " + steps + remedies_);
  };
  warn(dead, "no token");
  warn(starved, fmt::format("{:.1f} % of {} fair share{}", 100 * most, starved.size() == 1 ? "its" : "their",
                            starved.size() == 1 ? "" : " at most"));
}

bool LoadWarnings::is_due(const std::string& layer, int64_t id, int64_t step) {
  const auto [entry, is_new] = told_.emplace(std::pair(layer, id), step);
  if (!is_new && step - entry->second < kPeriod) return false;
  entry->second = step;
  return true;
}

}  // namespace heterodyne
