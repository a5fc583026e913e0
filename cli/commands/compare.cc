// heterodyne compare RUN RUN...: runs side by side, or groups of runs with their mean and spread.
#include <algorithm>
#include <filesystem>

#include "cli/command.h"
#include "cli/comparison.h"
#include "cli/runs.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/eval/run_summary.h"

namespace heterodyne {
namespace {

struct CompareFlags {
  std::vector<std::string> runs;
  std::string group;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field("runs", runs, "two or more runs, each by its path, name or id", positional(), required());
    field("group", group,
          "a setting such as name or model.moe.router.kind: runs in which it is equal make one row, accuracies as mean "
          "+- standard deviation");
    format.visit(field);
  }
};

std::string group_of(const RunRecord& run, const std::string& key) {
  for (const auto& [setting, value] : flat_settings(run.config)) {
    if (setting == key) return value;
  }
  return "-";
}

// Runs of one name are told apart by their folders.
void name_apart(std::vector<cli::Outcome>& outcomes, const std::vector<std::string>& places) {
  std::vector<std::string> names;
  for (const auto& outcome : outcomes) names.push_back(outcome.model);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (std::count(names.begin(), names.end(), names[i]) > 1) outcomes[i].model = places[i];
  }
}

std::vector<cli::OutcomeGroup> groups_of(const std::vector<cli::Outcome>& outcomes) {
  std::vector<cli::OutcomeGroup> groups;
  for (const auto& outcome : outcomes) {
    const auto found =
        std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group[0].model == outcome.model; });
    if (found == groups.end()) groups.push_back({outcome});
    else found->push_back(outcome);
  }
  return groups;
}

int run_compare(const CompareFlags& options, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  std::vector<cli::Outcome> outcomes;
  std::vector<std::string> places;
  bool is_group_known = options.group.empty();
  for (const auto& word : options.runs) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(word, ignored)) continue;  // runs/mix/* names sweep.json too
    const auto found = cli::find_run(word, invocation);
    const auto record = read_run(found.path);
    for (const auto& problem : record.problems) terminal.warn(problem);
    const std::string group = options.group.empty() ? record.name : group_of(record, options.group);
    is_group_known = is_group_known || group != "-";
    outcomes.push_back(cli::outcome_of(record, group));
    places.push_back(found.folder.empty() ? found.path : found.folder);
  }
  if (outcomes.size() < 2) throw ConfigError("compare: expected two or more runs. All runs: heterodyne runs ls");
  if (!is_group_known) {
    throw ConfigError("compare: --group: none of the runs has a setting \"" + printable(options.group) +
                      "\". Settings of a run: heterodyne runs show RUN");
  }
  if (options.group.empty()) name_apart(outcomes, places);
  const auto groups = groups_of(outcomes);
  cli::print_rows(terminal, cli::comparison_rows(groups, options.format.format), options.format.format);
  for (const auto& warning : cli::budget_warnings(groups)) terminal.warn(warning);
  return 0;
}

}  // namespace

CommandKind command_kind_compare() {
  return command_kind<CompareFlags>("compare runs: accuracy, parameters, work, balance",
                                    "heterodyne compare runs/a runs/b\nheterodyne compare runs/mix/* --group name\n"
                                    "heterodyne compare a b --format json",
                                    run_compare);
}

}  // namespace heterodyne
