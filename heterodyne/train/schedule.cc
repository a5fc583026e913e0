#include "heterodyne/train/schedule.h"

#include <cmath>
#include <numbers>

namespace heterodyne {

ScheduleRegistry empty_schedules() { return ScheduleRegistry("schedule"); }

double cosine_between(double begin, double end, double share) {
  return end + (begin - end) / 2 * (1 + std::cos(std::numbers::pi * share));
}

}  // namespace heterodyne
