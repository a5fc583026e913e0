// heterodyne: reads the command line and the environment, runs one command, turns errors into exit codes.
//   0 done · 1 the run failed · 2 bad usage or configuration · 3 input unreadable or incompatible · 4 a check failed ·
//   130 interrupted, state saved
#include <c10/util/Exception.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cli/command.h"
#include "cli/parse.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kInput = 3, kCheck = 4 };

std::string variable(const char* name, const std::string& otherwise = "") {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

// Every variable whose name begins as ours do, sorted by name.
std::vector<std::pair<std::string, std::string>> own_variables() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (text.starts_with("HETERODYNE_") && equals != std::string::npos)
      variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  std::sort(variables.begin(), variables.end());
  return variables;
}

Environment read_environment(int argc, char** argv) {
  return {{argv, argv + argc},          variable("HETERODYNE_RUNS", "runs"),
          variable("HETERODYNE_DATA"),  variable("HETERODYNE_THREADS"),
          variable("HETERODYNE_ISA"),   own_variables(),
          variable("HETERODYNE_DEVICE")};
}

int run(const Environment& environment, Terminal& terminal) {
  const ParsedLine line = parse_line({environment.arguments.begin() + 1, environment.arguments.end()});
  if (line.verb.empty()) {
    terminal.print(line.answer);
    return kDone;
  }
  for (const auto& flag : line.used) terminal.say("note: " + note_of(flag));
  try {
    return commands().find(line.verb).run(line.flags, {environment, terminal});
  } catch (const ConfigError& error) {
    throw ConfigError(error.what() + blame(error.what(), line.used));
  }
}

int report(Terminal& terminal, const std::string& message, ExitCode code) {
  for (const auto& line : split(message, '\n')) terminal.error(line);
  return code;
}

int guarded(const Environment& environment, Terminal& terminal) {
  try {
    return run(environment, terminal);
  } catch (const ConfigError& error) {
    return report(terminal, error.what(), kUsage);
  } catch (const FormatError& error) {
    return report(terminal, error.what(), kInput);
  } catch (const CheckError& error) {
    return report(terminal, error.what(), kCheck);
  } catch (const Error& error) {
    return report(terminal, error.what(), kFailed);
  } catch (const c10::Error& error) {
    return report(terminal,
                  std::string("LibTorch: ") + (terminal.is_verbose() ? error.what() : error.what_without_backtrace()),
                  kFailed);
  } catch (const std::bad_alloc&) {
    return report(terminal, "out of memory. Next: a smaller data.batch, or train.accumulate", kFailed);
  } catch (const std::exception& error) {
    return report(terminal, error.what(), kFailed);
  }
}

// What a full disk swallowed is said, and is no success.
int checked_output(Terminal& terminal, int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  terminal.error("standard output: expected room for all that was printed, some of it could not be written");
  return code == kDone ? kFailed : code;
}

}  // namespace
}  // namespace heterodyne::cli

int main(int argc, char** argv) {
  using namespace heterodyne::cli;
  Terminal terminal(Terminal::detect());
  const int code = checked_output(terminal, guarded(read_environment(argc, argv), terminal));
  // Not by returning: LibTorch would take back each of its operators first, a third of the time of a short command.
  ::_exit(code);
}
