// Interleave: times several pieces of work in turns, so that a machine whose speed drifts treats them alike, and says
// how their times compare round by round.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne::cli {

struct Work {
  std::string name;
  std::function<void()> run;      // what is timed
  std::function<void()> prepare;  // before each run, not timed; may be empty
};

struct Timing {
  std::string name;
  std::vector<double> seconds;  // of each round; NaN where the work sat out
};

struct InterleaveOptions {
  int64_t rounds = 30;
  int64_t warm_up = 2;               // rounds that are not counted
  double patience = 4;               // seconds after which a work sits out further rounds ...
  int64_t at_least = 5;              // ... when it had so many
  std::function<double()> now = {};  // seconds; the steady clock when empty
};

/// Each round runs every work once, every second one in reverse order.
std::vector<Timing> interleave(const std::vector<Work>& works, const InterleaveOptions& options);

struct Spread {
  double min = 0, p5 = 0, median = 0, p95 = 0;
};

/// Of the values that are numbers; NaN throughout when there are none. Quantiles are interpolated.
Spread spread_of(std::vector<double> values);
/// In milliseconds, as JSON has it: min_ms, median_ms, p5_ms, p95_ms.
Table table_of(const Spread& spread);
/// Milliseconds with three places, as tables show them.
double milliseconds(double seconds);
/// Of a's time over b's in the rounds in which both took part.
Spread ratio_of(const Timing& a, const Timing& b);

}  // namespace heterodyne::cli
