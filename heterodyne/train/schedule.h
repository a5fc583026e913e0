// Schedule: the learning rate, and sometimes the momentum, of each step. Each kind is one file in schedules/.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "heterodyne/base/registry.h"

namespace heterodyne {

/// What a step uses.
struct StepRates {
  double lr_factor = 1;            // of the optimizer's lr
  std::optional<double> momentum;  // SGD's momentum or Adam's beta1; unchanged when not given
};

class Schedule {
 public:
  virtual ~Schedule() = default;
  /// For step 0 .. num_steps - 1 of a run of num_steps.
  virtual StepRates at(int64_t step, int64_t num_steps) const = 0;
};

struct ScheduleKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Schedule>(const Table& settings, const Place&)> make;
};
using ScheduleRegistry = Registry<ScheduleKind>;

/// The built-in kinds.
const ScheduleRegistry& schedules();
ScheduleRegistry empty_schedules();

/// The kind made of a class with an Options struct and a constructor (Options).
template <class T>
ScheduleKind schedule_kind(std::string summary) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place) -> std::shared_ptr<Schedule> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place));
          }};
}

/// Half a cosine from `begin` at share 0 to `end` at share 1.
double cosine_between(double begin, double end, double share);

}  // namespace heterodyne
