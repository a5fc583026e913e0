// The data sets that are read from files: which of them are in the folders where they are looked for.
#include <algorithm>

#include "cli/check.h"
#include "cli/compute.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/source_folder.h"
#include "heterodyne/io/compressed.h"

namespace heterodyne {
namespace {

CheckResult check(const std::string& kind, const SourceFiles& files, const std::vector<std::string>& folders) {
  std::string folder;
  try {
    folder = find_source_folder({folders, 0, {}}, {kind, files.folders, files.names(), files.how_to_get});
  } catch (const FormatError&) {
    return {Health::kNote, "data: " + kind + " not found. To get it: " + files.how_to_get};
  }
  std::vector<std::string> missing;
  for (const auto& name : files.names()) {
    if (!io::find_maybe_compressed(folder + "/" + name)) missing.push_back(name);
  }
  if (missing.empty()) return {Health::kOk, "data: " + kind + " in " + folder};
  return {Health::kWarn, "data: " + kind + " in " + folder + ", without " + join(missing), files.how_to_get};
}

std::vector<CheckResult> check_data(const cli::Environment& environment) {
  const auto folders = cli::data_folders({}, environment);
  std::vector<CheckResult> findings;
  for (const auto& kind : datasets().names()) {
    const auto& files = datasets().find(kind).files;
    if (files) findings.push_back(check(kind, *files, folders));
  }
  return findings;
}

}  // namespace

CheckKind check_kind_data() { return {"data sets", {}, check_data}; }

}  // namespace heterodyne
