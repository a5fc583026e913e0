// One cycle (Smith and Topin 2018): the learning rate goes up from a fraction of its peak, then down to almost nothing,
// each along half a cosine; the momentum goes the other way. Steps are placed as the frameworks place them: the peak is
// at step warmup_fraction x steps - 1.
#include "heterodyne/train/schedule.h"

namespace heterodyne {
namespace {

class OneCycleSchedule : public Schedule {
 public:
  struct Options {
    double warmup_fraction = 0.3;
    double start_divisor = 25;
    double end_divisor = 1e4;
    bool cycle_momentum = true;
    double lowest_momentum = 0.85;
    double highest_momentum = 0.95;
    void visit(Fields& field) {
      field("warmup_fraction", warmup_fraction, "share of all steps that go up", share());
      field("start_divisor", start_divisor, "the first learning rate is the peak divided by this", at_least(1));
      field("end_divisor", end_divisor, "the last learning rate is the first divided by this", at_least(1));
      field("cycle_momentum", cycle_momentum, "whether the momentum (Adam's beta1) moves against the learning rate");
      const auto moves = effective_when(cycle_momentum, "cycle_momentum = false");
      field("lowest_momentum", lowest_momentum, "momentum at the peak", between(0, 0.999), moves);
      field("highest_momentum", highest_momentum, "momentum at both ends", between(0, 0.999), moves);
    }
  };

  explicit OneCycleSchedule(const Options& options) : options_(options) {}

  StepRates at(int64_t step, int64_t num_steps) const override {
    const auto done = static_cast<double>(step), last = static_cast<double>(num_steps - 1);
    const double peak = options_.warmup_fraction * static_cast<double>(num_steps) - 1;
    const double first = 1 / options_.start_divisor, end = first / options_.end_divisor;
    if (done <= peak) return rates_between(first, 1, peak > 0 ? done / peak : 1, true);
    const double way_down = last > peak ? (done - peak) / (last - peak) : 1;
    return rates_between(1, end, way_down, false);
  }

 private:
  // The learning rate from `begin` to `end`; the momentum is lowest where the learning rate is 1.
  StepRates rates_between(double begin, double end, double share_done, bool is_up) const {
    StepRates rates{.lr_factor = cosine_between(begin, end, share_done), .momentum = {}};
    if (!options_.cycle_momentum) return rates;
    const double low = options_.lowest_momentum, high = options_.highest_momentum;
    rates.momentum = is_up ? cosine_between(high, low, share_done) : cosine_between(low, high, share_done);
    return rates;
  }

  Options options_;
};

}  // namespace

ScheduleKind schedule_kind_one_cycle() {
  return schedule_kind<OneCycleSchedule>("up to the peak and down to almost nothing, the momentum the other way");
}

}  // namespace heterodyne
