// Watchers: everyone who watches a training run of this program: the files that record it, the warnings about its
// experts, the progress line.
#pragma once

#include <vector>

#include "cli/progress.h"
#include "cli/session.h"
#include "heterodyne/train/growth/growth_log.h"
#include "heterodyne/train/metrics_log.h"
#include "heterodyne/train/routing_record.h"
#include "heterodyne/train/tensorboard_log.h"
#include "heterodyne/train/watch/load_warnings.h"

namespace heterodyne::cli {

class Watchers {
 public:
  /// `session` and `terminal` must outlive this.
  Watchers(const Session& session, Terminal& terminal);

  /// Those that the run's settings ask for.
  std::vector<Hook*> hooks();

 private:
  bool uses_tensorboard_;
  MetricsLog metrics_;
  GrowthLog growth_;
  LoadWarnings loads_;
  RoutingRecord routing_;
  TensorboardLog tensorboard_;
  Progress progress_;
};

}  // namespace heterodyne::cli
