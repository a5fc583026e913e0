// The same learning rate at every step.
#include "heterodyne/train/schedule.h"

namespace heterodyne {
namespace {

class ConstantSchedule : public Schedule {
 public:
  struct Options {
    void visit(Fields&) {}
  };

  explicit ConstantSchedule(const Options&) {}
  StepRates at(int64_t, int64_t) const override { return {}; }
};

}  // namespace

ScheduleKind schedule_kind_constant() {
  return schedule_kind<ConstantSchedule>("the same learning rate at every step");
}

}  // namespace heterodyne
