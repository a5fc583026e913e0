// ConfigText: a configuration written for a person who is going to edit it.
#pragma once

#include <string>

#include "heterodyne/base/table.h"

namespace heterodyne::cli {

/// `resolved` (of read_experiment()) as TOML, with what each setting means and accepts as a comment on its line: the
/// sentence and range of its visit(). Reads back as the same configuration.
std::string commented_toml(const Table& resolved);

}  // namespace heterodyne::cli
