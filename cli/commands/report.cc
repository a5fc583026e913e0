// heterodyne report RUN: what a run or a routing file says, as a page that needs no network, or as text.

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/view/lifecycle.h"
#include "cli/view/report_files.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"
#include "heterodyne/report/markdown.h"

extern char** environ;

namespace heterodyne {
namespace {

struct ReportFlags {
  std::vector<std::string> runs;
  std::string out;
  bool open = false;
  bool md = false;
  std::string svg;
  std::string fail_on;
  cli::FormatFlag format{""};
  void visit(Fields& field) {
    field("runs", runs, "a run's folder or a routing.safetensors; two: the second against the first", positional(),
          required());
    field("out", out, "where to write; report.html in the run's folder by default");
    field("open", open, "show the page in the browser");
    field("md", md, "also write the report as Markdown beside the page");
    field("svg", svg, "also write every chart into this folder");
    field("fail_on", fail_on, "findings that end with exit code 4, joined by commas: dead,collapse");
    format.visit(field);
  }
};

// Throws before any work when a name is wrong.
std::vector<std::string> findings_to_fail_on(const std::string& list) {
  const auto known = findings().names();
  std::vector<std::string> names = split(list, ',');
  for (const auto& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw ConfigError("report: --fail-on: " + findings().unknown_kind(name));
    }
  }
  return names;
}

void check(const Report& report, const std::vector<std::string>& names) {
  std::vector<std::string> met;
  for (const auto& name : names) {
    const bool is_met = std::any_of(report.findings.begin(), report.findings.end(),
                                    [&](const auto& found) { return found.kind == name; });
    if (is_met) met.push_back(name);
  }
  if (!met.empty()) throw CheckError(fmt::format("report: --fail-on: found {} in {}", join(met), report.title));
}

void print_findings(const Report& report, cli::Terminal& terminal) {
  for (const auto& [kind, finding] : report.findings) {
    terminal.print(fmt::format("{:<8} {:<18} {}", severity_word(finding.severity), kind, printable(finding.text)));
  }
}

// The numbers of the first figure of a panel, such as the balance of every layer.
void print_table(const Report& report, const std::string& id, cli::Terminal& terminal) {
  for (const auto& [name, panel] : report.panels) {
    if (name != id || panel.figures.empty() || panel.figures[0].views.empty()) continue;
    terminal.print(cli::table_text(panel.figures[0].views[0].table));
  }
}

void print_lives(const ReportInput& input, cli::Terminal& terminal) {
  if (input.run.metrics.empty() && input.run.events.empty()) return;
  for (const LayerLives& layer : layer_lives(input)) {
    if (layer.experts.empty()) continue;
    for (const auto& line : cli::lifecycle_lines(layer, terminal.width())) terminal.print(printable(line));
  }
}

void print(const ReportFlags& options, const ReportInput& input, const Report& report, cli::Terminal& terminal) {
  const std::string& format = options.format.format;
  if (format == "json") return terminal.print(cli::json_text(cli::report_document(report)));
  if (format == "md") {
    for (const auto& line : split(markdown(report), '\n')) terminal.print(printable(line));
    return;
  }
  if (format == "csv") {
    cli::Rows rows{{"severity", "finding", "text", "panel"}, {}};
    for (const auto& [kind, finding] : report.findings) {
      rows.rows.push_back({severity_word(finding.severity), kind, finding.text, finding.panel});
    }
    return cli::print_rows(terminal, rows, format);
  }
  print_findings(report, terminal);
  if (format.empty()) return;
  for (const char* panel : {"balance", "load", "specialisation"}) print_table(report, panel, terminal);
  print_lives(input, terminal);
}

void show(const std::string& path, cli::Terminal& terminal) {
  std::string program = "xdg-open", argument = path;
  char* words[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  posix_spawn_file_actions_t silent;  // what a browser has to say is nobody's business here
  ::posix_spawn_file_actions_init(&silent);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    ::posix_spawn_file_actions_addopen(&silent, stream, "/dev/null", O_WRONLY, 0);
  }
  const int failure = ::posix_spawnp(&child, words[0], &silent, nullptr, words, environ);
  ::posix_spawn_file_actions_destroy(&silent);
  if (failure == 0) return;
  terminal.say("there is no xdg-open here; open " + path + " in a browser");
}

void write(const ReportFlags& options, const Report& report, cli::Terminal& terminal) {
  const std::string page = options.out.empty() ? cli::default_page(options.runs.back()) : options.out;
  // What prints in a format for programs writes a page only where it is told to.
  if (options.format.format.empty() || !options.out.empty() || options.open) {
    const uint64_t size = cli::write_page(report, page);
    const std::string line = fmt::format("{}   {} bytes", page, with_commas(static_cast<int64_t>(size)));
    options.format.format.empty() ? terminal.print(line) : terminal.say(line);
  }
  if (options.md) {
    io::write_file(cli::with_ending(page, ".md"), markdown(report));
    terminal.say(cli::with_ending(page, ".md"));
  }
  if (!options.svg.empty()) {
    terminal.say(fmt::format("{}   {} pictures", options.svg, cli::write_pictures(report, options.svg)));
  }
  if (options.open) show(page, terminal);
}

int run_report(const ReportFlags& options, const cli::Invocation& invocation) {
  const auto names = findings_to_fail_on(options.fail_on);
  const ReportInput input = cli::read_report_input(options.runs, invocation.environment.arguments);
  const Report report = make_report(input);
  print(options, input, report, invocation.terminal);
  write(options, report, invocation.terminal);
  check(report, names);
  return 0;
}

}  // namespace

CommandKind command_kind_report() {
  return command_kind<ReportFlags>("what a run says of its training and its experts, as a page or as text",
                                   "heterodyne report runs/demo --open\nheterodyne report runs/demo --format table\n"
                                   "heterodyne report runs/before runs/after --out change.html\n"
                                   "heterodyne report runs/demo --fail-on dead,collapse",
                                   run_report);
}

}  // namespace heterodyne
