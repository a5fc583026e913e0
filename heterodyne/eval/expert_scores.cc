#include "heterodyne/eval/expert_scores.h"

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/eval/evaluate.h"
#include "heterodyne/eval/knock_out.h"
#include "heterodyne/eval/reap.h"

namespace heterodyne {
namespace {

std::vector<std::vector<double>> load_shares(Network& network, Loader& loader, const PassOptions& pass) {
  std::vector<std::vector<double>> shares;
  const auto evaluation = evaluate(network, loader, pass);
  for (const LayerCounts& layer : evaluation.routing.layers()) {
    const auto sum = static_cast<double>(std::max<int64_t>(layer.num_assignments(), 1));
    auto& share_E = shares.emplace_back();
    for (const int64_t count : layer.count_E) share_E.push_back(static_cast<double>(count) / sum);
  }
  return shares;
}

}  // namespace

std::vector<std::vector<double>> expert_scores(const std::string& by, Network& network, Loader& loader,
                                               const PassOptions& pass) {
  if (by == "load") return load_shares(network, loader, pass);
  if (by == "reap") return reap_scores(network, loader, pass);
  if (by != "knockout") throw ConfigError("expert_scores", "by", "expected load, reap or knockout, got \"" + by + "\"");
  std::vector<std::vector<double>> rises;
  for (auto& layer : knock_out(network, loader, pass)) rises.push_back(std::move(layer.loss_change_E));
  return rises;
}

}  // namespace heterodyne
