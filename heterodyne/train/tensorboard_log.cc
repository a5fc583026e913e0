#include "heterodyne/train/tensorboard_log.h"

#include <algorithm>
#include <array>
#include <map>

namespace heterodyne {
namespace {

// At one step training has 10 and, for each layer, its balance numbers and two more; validation adds 2 and 2.
constexpr int64_t kMostOfTraining = 10;
constexpr std::array kBalance = {"k", "max_ideal", "dead", "entropy", "dropped"};
constexpr int64_t kMostOfLayer = 2;

std::optional<double> number_in(const Value& value) {
  if (value.if_real()) return *value.if_real();
  if (value.if_integer()) return static_cast<double>(*value.if_integer());
  return std::nullopt;
}

// The layer that a name such as "layers.0.entropy" speaks of, or "".
std::string layer_of(const std::string& name, const std::vector<LayerLoad>& loads) {
  const auto found = std::find_if(loads.begin(), loads.end(),
                                  [&](const LayerLoad& load) { return name.starts_with(load.counts.layer + "."); });
  return found == loads.end() ? "" : found->counts.layer;
}

bool is_balance(const std::string& name, const std::string& layer) {
  return !layer.empty() && std::find(kBalance.begin(), kBalance.end(), name.substr(layer.size() + 1)) != kBalance.end();
}

// The assignments of each expert, as a histogram of ids: the bucket of an id reaches half a step to either side.
io::EventHistogram load_of(const LayerCounts& layer, const std::vector<int64_t>& ids) {
  std::map<int64_t, double> load;
  for (size_t e = 0; e < layer.count_E.size(); ++e) load[ids[e]] = static_cast<double>(layer.count_E[e]);
  io::EventHistogram histogram{layer.layer + "/load", 0, 0, 0, 0, {}, {}};
  bool is_empty = true;
  for (const auto& [id, count] : load) {
    const auto middle = static_cast<double>(id);
    // An empty bucket stands for ids of experts that are gone, and for what lies before the first.
    if (histogram.limits.empty() || histogram.limits.back() < middle - 0.5) {
      histogram.limits.push_back(middle - 0.5);
      histogram.counts.push_back(0);
    }
    histogram.limits.push_back(middle + 0.5);
    histogram.counts.push_back(count);
    histogram.sum += count * middle;
    histogram.sum_squares += count * middle * middle;
    if (count == 0) continue;
    if (is_empty) histogram.min = middle - 0.5;
    histogram.max = middle + 0.5;
    is_empty = false;
  }
  return histogram;
}

}  // namespace

void TensorboardLog::on_log(const LogReport& report) {
  io::EventSummary summary;
  std::map<std::string, int64_t> taken;  // of each layer beside its balance, of the whole network under ""
  for (const auto& [key, value] : report.values.entries()) {
    const auto number = number_in(value);
    if (!number || key == "step") continue;
    const std::string layer = layer_of(key, report.loads);
    const int64_t most = layer.empty() ? kMostOfTraining : kMostOfLayer;
    if (is_balance(key, layer) || taken[layer]++ < most) summary.scalars.push_back({"train/" + key, *number});
  }
  write(report.step, summary);
}

void TensorboardLog::on_validation(const ValidationReport& report) {
  const Evaluation& evaluation = report.evaluation;
  io::EventSummary summary;
  for (const auto& [name, value] : evaluation.metrics.scores()) summary.scalars.push_back({"valid/" + name, value});
  const auto& layers = evaluation.routing.layers();
  for (size_t l = 0; l < layers.size(); ++l) {
    const Balance balance = balance_of(layers[l].count_E);
    summary.scalars.push_back({"valid/" + layers[l].layer + ".entropy", balance.entropy});
    summary.scalars.push_back({"valid/" + layers[l].layer + ".max_violation", balance.max_violation});
    summary.histograms.push_back(load_of(layers[l], evaluation.ids[l]));
  }
  write(report.step, summary);
}

void TensorboardLog::write(int64_t step, const io::EventSummary& summary) {
  try {
    if (!file_) file_.emplace(folder_, first_step_);
    file_->add(step, summary);
  } catch (const Error& error) {
    if (!has_warned_) log_.warning(std::string("TensorBoard misses values: ") + error.what() + ". The run goes on");
    has_warned_ = true;
  }
}

}  // namespace heterodyne
