// heterodyne compare RUN RUN...: runs side by side, or groups of runs with their mean and spread.
#include <algorithm>
#include <filesystem>

#include "cli/command.h"
#include "cli/runs.h"
#include "cli/view/comparison_page.h"
#include "cli/view/report_files.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/eval/run_summary.h"
#include "heterodyne/io/csv.h"
#include "heterodyne/io/file.h"
#include "heterodyne/report/markdown.h"

namespace heterodyne {
namespace {

struct CompareFlags {
  std::vector<std::string> runs;
  std::string group;
  std::string out;
  bool md = false;
  bool csv = false;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field("runs", runs, "two or more runs, each by its path, name or id", positional(), required());
    field("group", group,
          "a setting such as name or model.moe.router.kind: runs in which it is equal make one row, accuracies as mean "
          "+- standard deviation; runs of equal seed are paired with those of the first row");
    field("out", out, "where to write; a page with the curves of all runs over one another");
    const std::string because = "there is no --out";
    field("md", md, "also write the report as Markdown beside the page", effective_when(!out.empty(), because));
    field("csv", csv, "also write the table as CSV beside the page", effective_when(!out.empty(), because));
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

std::vector<cli::ComparedGroup> groups_of(const std::vector<cli::Outcome>& outcomes, std::vector<RunRecord> records) {
  std::vector<cli::ComparedGroup> groups;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    auto found = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& group) { return group.outcomes[0].model == outcomes[i].model; });
    if (found == groups.end()) found = groups.insert(groups.end(), cli::ComparedGroup());
    found->outcomes.push_back(outcomes[i]);
    found->runs.push_back(std::move(records[i]));
  }
  return groups;
}

std::vector<cli::ComparedGroup> read_groups(const CompareFlags& options, const cli::Invocation& invocation) {
  std::vector<cli::Outcome> outcomes;
  std::vector<std::string> places;
  std::vector<RunRecord> records;
  bool is_group_known = options.group.empty();
  for (const auto& word : options.runs) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(word, ignored)) continue;  // runs/mix/* names sweep.json too
    const auto found = cli::find_run(word, invocation);
    for (const auto& known : records) {
      if (std::filesystem::equivalent(known.path, found.path, ignored))
        throw ConfigError(fmt::format("compare: {} is named twice, as {} too", found.path, known.path));
    }
    records.push_back(read_run(found.path));
    const auto& record = records.back();
    for (const auto& problem : record.problems) invocation.terminal.warn(problem);
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
  return groups_of(outcomes, std::move(records));
}

void write(const CompareFlags& options, const std::vector<cli::ComparedGroup>& groups,
           const std::vector<cli::OutcomeGroup>& outcomes, const std::vector<std::string>& warnings,
           cli::Terminal& terminal) {
  const Report report = cli::comparison_report(groups, warnings);
  cli::write_page(report, options.out);
  terminal.say("wrote " + options.out);
  if (options.md) io::write_file(cli::with_ending(options.out, ".md"), markdown(report));
  if (options.csv)
    io::write_file(cli::with_ending(options.out, ".csv"), io::csv_text(cli::comparison_rows(outcomes, "csv")) + "\n");
}

int run_compare(const CompareFlags& options, const cli::Invocation& invocation) {
  auto& terminal = invocation.terminal;
  const auto groups = read_groups(options, invocation);
  std::vector<cli::OutcomeGroup> outcomes;
  for (const auto& group : groups) outcomes.push_back(group.outcomes);
  const std::string& format = options.format.format;
  cli::print_rows(terminal, cli::comparison_rows(outcomes, format), format);
  const auto differences = cli::difference_rows(outcomes);
  const bool is_for_people = format == "table" || format == "md";
  if (is_for_people && !options.group.empty() && !differences.rows.empty()) {
    terminal.print("");
    cli::print_rows(terminal, differences, format);
  }
  auto warnings = cli::budget_warnings(outcomes);
  for (auto& warning : cli::routing_warnings(outcomes)) warnings.push_back(std::move(warning));
  if (!options.group.empty()) {
    for (auto& warning : cli::pairing_warnings(outcomes)) warnings.push_back(std::move(warning));
  }
  for (const auto& warning : warnings) terminal.warn(warning);
  if (!options.out.empty()) write(options, groups, outcomes, warnings, terminal);
  return 0;
}

}  // namespace

CommandKind command_kind_compare() {
  return command_kind<CompareFlags>("compare runs: accuracy, parameters, work, balance",
                                    "heterodyne compare runs/a runs/b\nheterodyne compare runs/mix/* --group name\n"
                                    "heterodyne compare runs/mix/* --group name --out mix.html --csv\n"
                                    "heterodyne compare a b --format json",
                                    run_compare);
}

}  // namespace heterodyne
