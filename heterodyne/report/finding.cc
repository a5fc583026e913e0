#include "heterodyne/report/finding.h"

namespace heterodyne {

FindingRegistry empty_findings() { return FindingRegistry("finding"); }

const char* severity_word(Severity severity) {
  if (severity == Severity::kRed) return "problem";
  return severity == Severity::kAmber ? "warning" : "note";
}

Table moe_settings(const RunRecord& run) {
  const Value* section = run.config.find_path("model.moe");
  return section && section->if_table() ? *section->if_table() : Table{};
}

}  // namespace heterodyne
