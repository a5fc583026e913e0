// RoutingRecord: a hook that keeps the routing of the last validation in the run's folder, as routing.safetensors, and
// on request that of every validation, as routing/step-00000352.safetensors.
#pragma once

#include <string>
#include <utility>

#include "heterodyne/base/log.h"
#include "heterodyne/train/hook.h"

namespace heterodyne {

class RoutingRecord : public Hook {
 public:
  /// `folder` is the run's. A file that cannot be written is warned of once; the run goes on.
  RoutingRecord(std::string folder, bool keeps_all, Log log)
      : folder_(std::move(folder)), keeps_all_(keeps_all), log_(std::move(log)) {}

  void on_validation(const ValidationReport& report) override { write(report.step, report.routing); }
  void write(int64_t step, const RoutingProfile& routing);

 private:
  std::string folder_;
  bool keeps_all_;
  Log log_;
  bool has_warned_ = false;
};

}  // namespace heterodyne
