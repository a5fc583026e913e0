// ConfigDiff: in which settings two configurations differ.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne::cli {

struct SettingDifference {
  std::string path;  // "model.moe.experts.0.hidden"
  Value a, b;        // null where a side does not have the setting
};

/// The settings that differ, in the order of `a`, then those that only `b` has. Tables are compared setting by setting,
/// lists of tables entry by entry; other lists are one value.
std::vector<SettingDifference> config_diff(const Table& a, const Table& b);

}  // namespace heterodyne::cli
