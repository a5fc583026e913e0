// Check: one thing about this machine and these folders that `heterodyne doctor` looks at. Each is one file in checks/;
// the file's stem is its name.
//
// A check reads, measures for a fraction of a second at most, and leaves nothing behind. It does not throw for what is
// missing: that is a finding. What it throws all the same becomes one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "heterodyne/base/registry.h"

namespace heterodyne {

/// Worse last.
enum class Health {
  kNote,  // neither good nor bad: a data set that is not here
  kOk,
  kWarn,  // works, but not as well as it could
  kFix    // does not work until something is done
};

/// "note", "ok", "warn" or "FIX".
const char* health_name(Health health);

struct CheckResult {
  Health health = Health::kOk;
  std::string text;
  std::string fix = {};  // what to do; kFix always has one
};

struct CheckKind {
  std::string summary;
  Schema schema;
  std::function<std::vector<CheckResult>(const cli::Environment& environment)> run;
};
using CheckRegistry = Registry<CheckKind>;

/// Every check.
const CheckRegistry& checks();
CheckRegistry empty_checks();

namespace cli {

/// The findings of the check; what it throws is one that warns.
std::vector<CheckResult> run_check(const CheckKind& check, const Environment& environment);

/// "1.5 GB"
std::string size_text(uint64_t bytes);

/// The folder itself when it exists, else the nearest one above it that does.
std::string existing_folder(const std::string& path);

}  // namespace cli
}  // namespace heterodyne
