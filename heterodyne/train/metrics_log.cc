#include "heterodyne/train/metrics_log.h"

#include <cmath>
#include <filesystem>

#include "heterodyne/io/json.h"

namespace heterodyne {

void cut_metrics(const std::string& path, int64_t step) {
  if (!std::filesystem::exists(path)) return;
  const std::string text = io::read_file(path);
  size_t kept = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;  // cut short by a crash
    const auto line = std::string_view(text).substr(begin, end - begin);
    const Table values = io::parse_json_table(line, path);
    if (io::integer_at(values, "step", path) > step) break;  // lines are in order of steps
    const Value* kind = values.find("kind");
    if (kind && *kind == Value("test")) break;  // the run's last line, which its end will write again
    kept = begin = end + 1;
  }
  if (kept < text.size()) io::write_file(path, std::string_view(text).substr(0, kept));
}

std::string metrics_line(const Table& values) {
  Table line = values;
  Array nonfinite;
  for (const auto& [key, value] : values.entries()) {
    if (!value.if_real() || std::isfinite(*value.if_real())) continue;
    line.set(key, Value());
    nonfinite.emplace_back(key);
  }
  if (!nonfinite.empty()) line.set("nonfinite", std::move(nonfinite));
  return io::write_json(line);
}

Table loads_line(const LogReport& report) {
  Table line{{"step", report.step}, {"kind", "experts"}};
  for (const auto& load : report.loads) {
    line.set(load.counts.layer, Table{{"id", Array(load.id_E.begin(), load.id_E.end())},
                                      {"count", Array(load.counts.count_E.begin(), load.counts.count_E.end())}});
  }
  return line;
}

Table evaluation_line(const std::string& kind, int64_t step, const Evaluation& evaluation) {
  Table values{{"step", step}, {"kind", kind}};
  const Table measured = evaluation.table();
  for (const auto& [key, value] : measured.entries()) {
    const bool is_of_an_expert = key.find(".experts.") != std::string::npos;
    const bool follows_from_entropy = key.ends_with(".effective");
    if (!is_of_an_expert && !follows_from_entropy) values.set(key, value);
  }
  return values;
}

void MetricsLog::on_log(const LogReport& report) {
  file_.append_line(metrics_line(report.values));
  if (!report.loads.empty()) file_.append_line(metrics_line(loads_line(report)));
}

void MetricsLog::on_validation(const ValidationReport& report) { write("valid", report.step, report.evaluation); }

void MetricsLog::write(const std::string& kind, int64_t step, const Evaluation& evaluation) {
  file_.append_line(metrics_line(evaluation_line(kind, step, evaluation)));
}

}  // namespace heterodyne
