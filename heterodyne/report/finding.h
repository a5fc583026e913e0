// Finding: what is wrong or notable about a run, in a sentence. Each kind is one file in findings/; the file's stem is
// its name in `heterodyne report --fail-on`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "heterodyne/base/registry.h"
#include "heterodyne/report/report_input.h"

namespace heterodyne {

/// Worst first.
enum class Severity { kRed, kAmber, kGrey };

/// "problem", "warning" or "note": never colour alone.
const char* severity_word(Severity severity);

struct Finding {
  Severity severity = Severity::kGrey;
  std::string text;
  std::string panel;  // the panel that shows it
};

struct FindingKind {
  std::string summary;
  std::function<std::vector<Finding>(const ReportInput&)> look;
  Schema schema;  // findings have no settings
};
using FindingRegistry = Registry<FindingKind>;

/// The run's resolved section model.moe; empty when it has none.
Table moe_settings(const RunRecord& run);

/// The built-in kinds.
const FindingRegistry& findings();
FindingRegistry empty_findings();

}  // namespace heterodyne
