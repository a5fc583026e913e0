// metrics.jsonl: one line for each report of a run, whole lines only. Kinds: "train", "valid", "test", and "experts",
// which holds for each MoE layer the ids of its experts and their assignments since the last such line:
//   {"step":50,"kind":"experts","layers.0":{"id":[0,1],"count":[812,788]}}
// However many experts there are, the other kinds hold a fixed number of values for each layer.
#pragma once

#include <string>

#include "heterodyne/io/file.h"
#include "heterodyne/train/hook.h"

namespace heterodyne {

/// Drops every line that was written after `step`, and a last line that is not whole. Throws FormatError when a line
/// before that is no metrics line. A file that does not exist stays so.
void cut_metrics(const std::string& path, int64_t step);

/// One line of the file. A value that is not finite becomes null and its name is added to "nonfinite".
std::string metrics_line(const Table& values);

/// The values of an "experts" line; nothing but its step and kind when there is no MoE layer.
Table loads_line(const LogReport& report);

/// An evaluation as the values of a line of this kind, "valid" or "test", without the experts' shares.
Table evaluation_line(const std::string& kind, int64_t step, const Evaluation& evaluation);

class MetricsLog : public Hook {
 public:
  explicit MetricsLog(const std::string& path) : file_(path) {}

  /// Writes an evaluation_line().
  void write(const std::string& kind, int64_t step, const Evaluation& evaluation);

  void on_log(const LogReport& report) override;
  void on_validation(const ValidationReport& report) override;

 private:
  io::AppendFile file_;
};

}  // namespace heterodyne
