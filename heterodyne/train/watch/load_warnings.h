// LoadWarnings: a hook that warns of experts that get almost no tokens, and so learn nothing, and of layers that have
// collapsed onto a few experts. It looks at every line of training metrics.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/log.h"
#include "heterodyne/model/network.h"
#include "heterodyne/train/hook.h"

namespace heterodyne {

class LoadWarnings : public Hook {
 public:
  /// Steps before the same expert, or the same layer, is warned of again.
  static constexpr int64_t kPeriod = 500;

  /// `config` is the resolved experiment, from which remedies are taken. `network` must outlive the hook.
  LoadWarnings(Network& network, const Table& config, Log log);

  void on_log(const LogReport& report) override;

 private:
  void look(const LogReport& report, const LayerLoad& load, MoeLayer& layer);
  /// Whether it is time to say this again; remembers that it was said.
  bool is_due(const std::string& layer, int64_t id, int64_t step);

  Network& network_;
  std::string remedies_;  // "Try ..."; empty when there is nothing to try
  Log log_;
  std::map<std::pair<std::string, int64_t>, int64_t> told_;  // layer, expert: the step of the last warning
};

}  // namespace heterodyne
