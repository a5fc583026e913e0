#include "heterodyne/report/finding.h"

namespace heterodyne {

FindingRegistry empty_findings() { return FindingRegistry("finding"); }

const char* severity_word(Severity severity) {
  if (severity == Severity::kRed) return "problem";
  return severity == Severity::kAmber ? "warning" : "note";
}

}  // namespace heterodyne
