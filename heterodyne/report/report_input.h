// Report input: everything a report is made from. Panels and findings read it and nothing else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/eval/run_record.h"

namespace heterodyne {

struct ReportInput {
  RunRecord run;
  std::vector<LoadHistory> loads;    // of `run`
  std::optional<RunRecord> before;   // what `run` is compared with
  std::vector<std::string> command;  // that asked for the report
  int64_t now = 0;                   // seconds since 1970, to tell a lost run; 0: not known
};

}  // namespace heterodyne
