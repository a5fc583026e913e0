#include "heterodyne/train/growth/growth_log.h"

#include "heterodyne/train/metrics_log.h"

namespace heterodyne {

void GrowthLog::on_growth(const GrowthReport& report) {
  io::AppendFile file(path_);
  for (const auto& event : report.events) file.append_line(metrics_line(event_line(event, report.step)));
}

}  // namespace heterodyne
