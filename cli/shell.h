// Shell: a command-line interpreter that can complete the program's lines. Each is one file in shells/; the file's stem
// is what `heterodyne completion` is asked for.
#pragma once

#include <functional>
#include <string>

#include "cli/completion.h"
#include "heterodyne/base/registry.h"

namespace heterodyne {

struct ShellKind {
  std::string summary;
  Schema schema;
  /// A script in the shell's language that completes the lines of the program "heterodyne".
  std::function<std::string(const cli::Completion& completion)> script;
};
using ShellRegistry = Registry<ShellKind>;

/// Every shell.
const ShellRegistry& shells();
ShellRegistry empty_shells();

namespace cli {

/// 'text' for a POSIX shell, quotes in it kept.
std::string in_single_quotes(const std::string& text);

}  // namespace cli
}  // namespace heterodyne
