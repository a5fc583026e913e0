// Linear warm-up from zero to the full learning rate, then a straight line down to a share of it.
#include <algorithm>

#include "heterodyne/train/schedule.h"

namespace heterodyne {
namespace {

class LinearSchedule : public Schedule {
 public:
  struct Options {
    int64_t warmup_steps = 0;
    double end_factor = 1;
    void visit(Fields& field) {
      field("warmup_steps", warmup_steps, "steps from zero up to the full learning rate", at_least(0));
      field("end_factor", end_factor, "what is left of the learning rate at the last step", share());
    }
  };

  explicit LinearSchedule(const Options& options) : options_(options) {}

  StepRates at(int64_t step, int64_t num_steps) const override {
    const auto done = static_cast<double>(step), warmup = static_cast<double>(options_.warmup_steps);
    if (done < warmup) return {.lr_factor = (done + 1) / warmup, .momentum = {}};
    const double rest = std::max(1.0, static_cast<double>(num_steps - 1) - warmup);
    const double share_done = std::min(1.0, (done - warmup) / rest);
    return {.lr_factor = 1 + (options_.end_factor - 1) * share_done, .momentum = {}};
  }

 private:
  Options options_;
};

}  // namespace

ScheduleKind schedule_kind_linear() {
  return schedule_kind<LinearSchedule>("linear warm-up, then a straight line down to a share of the learning rate");
}

}  // namespace heterodyne
