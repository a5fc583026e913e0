// Profiler: finds out where the time of a run's steps goes, when somebody wants to know, and says so at the end.
#pragma once

#include "cli/terminal.h"
#include "heterodyne/base/profile.h"
#include "heterodyne/train/hook.h"
#include "heterodyne/train/run_folder.h"

namespace heterodyne::cli {

class Profiler : public Hook {
 public:
  explicit Profiler(bool is_wanted) : is_wanted_(is_wanted) {}
  void on_step(const StepReport& report) override { seconds_ += report.seconds; }

  /// For the trainer; null when nobody wants to know.
  Profile* profile() { return is_wanted_ ? &profile_ : nullptr; }
  /// Prints the table and writes trace.json. The network must still be there.
  void conclude(const RunFolder& folder, Terminal& terminal) const;

 private:
  bool is_wanted_;
  Profile profile_;
  double seconds_ = 0;
};

}  // namespace heterodyne::cli
