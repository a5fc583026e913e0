// Command: one verb of the program. Each is one file in commands/; the file's stem is the verb.
//
// A command describes its flags with visit(), like every Options struct, gets them read and checked, and returns the
// exit code. Data goes to standard output, talk to standard error.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/terminal.h"
#include "heterodyne/base/fields.h"
#include "heterodyne/base/registry.h"

namespace heterodyne::cli {

/// What the process was given beside flags; read once, in main().
struct Environment {
  std::vector<std::string> arguments;                               // the whole command line
  std::string runs = "runs";                                        // HETERODYNE_RUNS
  std::string data;                                                 // HETERODYNE_DATA
  std::string threads;                                              // HETERODYNE_THREADS
  std::string isa = {};                                             // HETERODYNE_ISA
  std::vector<std::pair<std::string, std::string>> variables = {};  // every HETERODYNE_ name with its value
  std::string device = {};                                          // HETERODYNE_DEVICE
};

struct Invocation {
  const Environment& environment;
  Terminal& terminal;
};

}  // namespace heterodyne::cli

namespace heterodyne {

struct CommandKind {
  std::string summary;
  Schema schema;
  std::function<int(const Table& flags, const cli::Invocation& invocation)> run;
  std::string example;     // command lines, one a line
  bool is_hidden = false;  // not in the list of verbs
};
using CommandRegistry = Registry<CommandKind>;

/// Every verb.
const CommandRegistry& commands();
CommandRegistry empty_commands();

/// The kind made of an Options struct and a function (Options, Invocation) that returns the exit code.
template <class Options>
CommandKind command_kind(std::string summary, std::string example, int (*run)(const Options&, const cli::Invocation&)) {
  return {std::move(summary), Schema::of<Options>(),
          [run](const Table& flags, const cli::Invocation& invocation) {
            return run(read_options<Options>(flags, {}), invocation);
          },
          std::move(example)};
}

}  // namespace heterodyne
