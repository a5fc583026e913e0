#include "heterodyne/train/unused_experts.h"

#include <fmt/format.h>

#include "heterodyne/base/text.h"

namespace heterodyne {

void UnusedExperts::on_step(const StepReport& report) {
  routing_.add(report.result.routing);
  ++num_seen_;
  if (num_seen_ < period_ && report.step < num_steps_) return;
  look();
  routing_ = {};
  num_seen_ = 0;
}

void UnusedExperts::look() {
  for (const auto& layer : routing_.layers()) {
    std::vector<std::string> unused;
    for (size_t e = 0; e < layer.count_E.size(); ++e) {
      if (layer.count_E[e] == 0 && told_.emplace(layer.layer, e).second) unused.push_back(std::to_string(e));
    }
    if (unused.empty()) continue;
    log_.warning(
        fmt::format("{}: expert{} {} got no token in {} steps and learned nothing. The run goes on. To spread "
                    "tokens: a larger weight in model.moe.balancers, or noise in model.moe.router",
                    layer.layer, unused.size() == 1 ? "" : "s", join(unused), with_commas(num_seen_)));
  }
}

}  // namespace heterodyne
