// Linear warm-up from zero, then proportional to one over the root of the step (Shazeer et al. 2017, appendix C).
#include <cmath>

#include "heterodyne/train/schedule.h"

namespace heterodyne {
namespace {

class InverseSqrtSchedule : public Schedule {
 public:
  struct Options {
    int64_t warmup_steps = 1000;
    void visit(Fields& field) {
      field("warmup_steps", warmup_steps, "steps from zero up to the full learning rate", at_least(1));
    }
  };

  explicit InverseSqrtSchedule(const Options& options) : warmup_(static_cast<double>(options.warmup_steps)) {}

  StepRates at(int64_t step, int64_t) const override {
    const auto number = static_cast<double>(step + 1);
    return {.lr_factor = number < warmup_ ? number / warmup_ : std::sqrt(warmup_ / number), .momentum = {}};
  }

 private:
  double warmup_;
};

}  // namespace

ScheduleKind schedule_kind_inverse_sqrt() {
  return schedule_kind<InverseSqrtSchedule>("linear warm-up, then proportional to one over the root of the step");
}

}  // namespace heterodyne
