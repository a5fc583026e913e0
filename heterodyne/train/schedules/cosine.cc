// Linear warm-up, then half a cosine down to a share of the learning rate (Loshchilov and Hutter 2017, one cycle).
#include <algorithm>
#include <cmath>

#include "heterodyne/train/schedule.h"

namespace heterodyne {
namespace {

class CosineSchedule : public Schedule {
 public:
  struct Options {
    double warmup_fraction = 0;
    double end_factor = 0;
    void visit(Fields& field) {
      field("warmup_fraction", warmup_fraction, "share of all steps that go from zero up to the full learning rate",
            between(0, 0.99));
      field("end_factor", end_factor, "what is left of the learning rate at the last step", share());
    }
  };

  explicit CosineSchedule(const Options& options) : options_(options) {}

  StepRates at(int64_t step, int64_t num_steps) const override {
    const auto done = static_cast<double>(step);
    const double warmup = std::round(options_.warmup_fraction * static_cast<double>(num_steps));
    if (done < warmup) return {.lr_factor = (done + 1) / warmup, .momentum = {}};
    const double rest = std::max(1.0, static_cast<double>(num_steps - 1) - warmup);
    return {.lr_factor = cosine_between(1, options_.end_factor, std::min(1.0, (done - warmup) / rest)), .momentum = {}};
  }

 private:
  Options options_;
};

}  // namespace

ScheduleKind schedule_kind_cosine() { return schedule_kind<CosineSchedule>("linear warm-up, then half a cosine down"); }

}  // namespace heterodyne
