// heterodyne runs ACTION: lists, shows, tags, removes and exports the runs below the folder of runs.
#include "cli/runs.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "cli/compute.h"
#include "cli/confirm.h"
#include "heterodyne/base/config.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/run_list.h"
#include "heterodyne/eval/run_summary.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/tar.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;
using cli::Invocation;

struct RunsFlags {
  std::string action;
  std::vector<std::string> arguments;
  std::vector<std::string> remove;
  bool yes = false;
  cli::DryRunFlag plan;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field("action", action,
          "ls: every run. show RUN: state, settings, metrics, experts. tag RUN TAG...: adds tags. rm RUN...: removes "
          "runs with their checkpoints. export RUN FILE: the whole folder as FILE.tar, FILE.tar.gz or FILE.tgz. "
          "reindex: builds the index anew from the runs' folders",
          one_of("ls", "show", "tag", "rm", "export", "reindex"), positional(), required());
    field("arguments", arguments, "RUN is the path, name or id of a run", positional());
    field("remove", remove, "a tag that `runs tag` takes away; may be repeated");
    field("yes", yes, "ask nothing; remove at once");
    plan.visit(field);
    format.visit(field);
  }
};

void expect_arguments(const RunsFlags& options, size_t least, size_t most, const std::string& form) {
  const size_t given = options.arguments.size();
  if (given < least || given > most) throw ConfigError(fmt::format("runs {}: expected {}", options.action, form));
}

void list(const RunsFlags& options, const Invocation& invocation) {
  const auto runs = list_runs(invocation.environment.runs, invocation.terminal.log());
  if (runs.empty() && options.format.format == "table")
    return invocation.terminal.say(fmt::format("no runs below {}", invocation.environment.runs));
  cli::print_rows(invocation.terminal, cli::run_rows(runs, options.format.format), options.format.format);
}

Value step_or_null(const std::optional<io::MetricPoint>& point) { return point ? Value(point->step) : Value(); }
Value value_or_null(const std::optional<io::MetricPoint>& point) { return point ? Value(point->value) : Value(); }

Rows metric_rows(const io::IndexedRun& run) {
  Rows rows{{"metric", "last", "best", "best_step", "min", "max"}, {}};
  for (const auto& metric : run.metrics) {
    rows.rows.push_back({metric.name, value_or_null(metric.last), value_or_null(metric.best), step_or_null(metric.best),
                         value_or_null(metric.lowest), value_or_null(metric.highest)});
  }
  return rows;
}

Rows expert_rows(const io::IndexedRun& run) {
  Rows rows{{"layer", "expert", "kind", "share"}, {}};
  for (const auto& expert : run.experts) {
    rows.rows.push_back({expert.layer, expert.id, expert.kind.empty() ? Value() : Value(expert.kind),
                         expert.share ? Value(*expert.share) : Value()});
  }
  return rows;
}

Rows setting_rows(const io::IndexedRun& run) {
  Rows rows{{"setting", "value"}, {}};
  for (const auto& [key, value] : run.params) rows.rows.push_back({key, value});
  return rows;
}

Rows about_rows(const io::IndexedRun& run, const std::string& path) {
  return {{"run", ""},
          {{"name", run.name},
           {"id", run.id},
           {"state", run.state},
           {"step", run.step},
           {"last written", cli::age_text(run.heartbeat) + " ago"},
           {"path", path},
           {"tags", join(run.tags, " ")}}};
}

// All tables as one, for programs that read one.
Rows flat_rows(const std::vector<std::pair<std::string, Rows>>& sections) {
  Rows flat{{"section", "name", "key", "value"}, {}};
  for (const auto& [section, rows] : sections) {
    const size_t num_names = section == "expert" ? 2 : 1;  // its layer and its id
    for (const auto& row : rows.rows) {
      const Value name = num_names == 1 ? row[0] : Value(*row[0].if_text() + ".experts." + write_value(row[1]));
      for (size_t i = num_names; i < row.size(); ++i)
        flat.rows.push_back({section, name, row.size() == 2 ? Value() : Value(rows.columns[i]), row[i]});
    }
  }
  return flat;
}

Value json_of(const io::IndexedRun& run, const std::string& path) {
  Array tags(run.tags.begin(), run.tags.end());
  Table settings;
  for (const auto& [key, value] : run.params) settings.set(key, value);
  Table about{{"id", run.id},     {"name", run.name}, {"state", run.state},
              {"step", run.step}, {"path", path},     {"tags", std::move(tags)}};
  return Table{{"run", std::move(about)},
               {"settings", std::move(settings)},
               {"metrics", cli::objects_of(metric_rows(run))},
               {"experts", cli::objects_of(expert_rows(run))}};
}

void show(const RunsFlags& options, const Invocation& invocation) {
  expect_arguments(options, 1, 1, "one RUN");
  const auto found = cli::find_run(options.arguments[0], invocation);
  const fs::path path = fs::canonical(found.path);
  auto run = read_indexed(path.parent_path().string(), path.filename().string());
  run.id = found.folder.empty() ? "" : run_id(found.folder);
  if (run.state == "running" && !io::FolderLock::is_held(found.path)) run.state = "lost";
  auto& terminal = invocation.terminal;
  const std::string& format = options.format.format;
  if (format == "json") return terminal.print(cli::json_text(json_of(run, found.path)));
  const std::vector<std::pair<std::string, Rows>> sections{{"run", about_rows(run, found.path)},
                                                           {"setting", setting_rows(run)},
                                                           {"metric", metric_rows(run)},
                                                           {"expert", expert_rows(run)}};
  if (format == "csv") return cli::print_rows(terminal, flat_rows(sections), format);
  for (const auto& [section, rows] : sections) {
    if (rows.rows.empty()) continue;
    if (section != "run") terminal.print("");
    cli::print_rows(terminal, rows, format);
  }
}

void tag(const RunsFlags& options, const Invocation& invocation) {
  expect_arguments(options, 1, SIZE_MAX, "a RUN and the tags to add");
  const auto found = cli::find_run(options.arguments[0], invocation);
  auto tags = read_tags(found.path);
  if (options.arguments.size() > 1 || !options.remove.empty()) {
    tags.insert(tags.end(), options.arguments.begin() + 1, options.arguments.end());
    for (const auto& word : options.remove) {
      if (std::erase(tags, word) == 0)
        throw ConfigError(fmt::format("runs tag: {} has no tag \"{}\"", found.path, printable(word)));
    }
    write_tags(found.path, tags);
    list_runs(invocation.environment.runs, {});  // which brings the index up to date
    tags = read_tags(found.path);
  }
  for (const auto& word : tags) invocation.terminal.print(printable(word));
}

// Out of sight at once, so that nobody meets half a run; then away.
void remove_folder(const std::string& runs, const std::string& folder) {
  const fs::path path = fs::path(runs) / folder, away = fs::path(runs) / fmt::format(".removed-{}", ::getpid());
  std::error_code error;
  {
    const io::FolderLock lock(path.string());  // throws when a process uses it
    fs::rename(path, away, error);
  }
  if (!error) fs::remove_all(away, error);
  if (error) throw DeviceError(fmt::format("{}: cannot be removed: {}", path.string(), error.message()));
}

void remove(const RunsFlags& options, const Invocation& invocation) {
  expect_arguments(options, 1, SIZE_MAX, "at least one RUN");
  const std::string& runs = invocation.environment.runs;
  std::vector<std::string> folders;
  for (const auto& word : options.arguments) {
    const auto found = cli::find_run(word, invocation);
    if (found.folder.empty()) {
      throw ConfigError(
          fmt::format("runs rm: {} is not below the folder of runs, {}. Remove it by hand, or set "
                      "HETERODYNE_RUNS to the folder that holds it",
                      printable(found.path), runs));
    }
    io::FolderLock{found.path};  // throws when a process uses it
    folders.push_back(found.folder);
  }
  const std::string what = folders.size() == 1 ? "the run " + printable(folders[0])
                                               : fmt::format("{} runs ({})", folders.size(), printable(join(folders)));
  if (options.plan.dry_run) {
    for (const auto& folder : folders)
      invocation.terminal.print("would remove " + printable((fs::path(runs) / folder).string()));
    return invocation.terminal.say("nothing was done: --dry-run");
  }
  if (!options.yes && !cli::confirm(invocation.terminal, fmt::format("Remove {} with all checkpoints?", what))) return;
  for (const auto& folder : folders) remove_folder(runs, folder);
  list_runs(runs, {});
  invocation.terminal.say("removed " + what);
}

int64_t time_of(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mtim.tv_sec : 0;
}

// Files and folders of the run, without links and hidden files.
void add_below(const fs::path& folder, const std::string& prefix, io::TarWriter& archive) {
  archive.add_folder(prefix, time_of(folder));
  for (const auto& name : io::list_folder(folder.string())) {
    const auto type = fs::symlink_status(folder / name).type();
    if (name.starts_with('.')) continue;
    if (type == fs::file_type::directory) add_below(folder / name, prefix + "/" + name, archive);
    if (type == fs::file_type::regular)
      archive.add_file(prefix + "/" + name, (folder / name).string(), time_of(folder / name));
  }
}

void export_run(const RunsFlags& options, const Invocation& invocation) {
  expect_arguments(options, 2, 2, "a RUN and a FILE");
  const auto found = cli::find_run(options.arguments[0], invocation);
  const std::string& file = options.arguments[1];
  const bool is_gzip = file.ends_with(".tar.gz") || file.ends_with(".tgz");
  if (!is_gzip && !file.ends_with(".tar"))
    throw ConfigError(fmt::format("runs export: expected a FILE.tar, FILE.tar.gz or FILE.tgz, got {}", file));
  std::error_code ignored;
  if (fs::exists(file, ignored)) throw ConfigError(file + ": exists already; choose another name");
  if (io::FolderLock::is_held(found.path)) io::FolderLock{found.path};  // throws naming the process
  io::TarWriter archive(file, is_gzip ? io::TarWriter::Compression::kGzip : io::TarWriter::Compression::kNone);
  const fs::path path = fs::canonical(found.path);
  add_below(path, path.filename().string(), archive);
  archive.commit();
  invocation.terminal.say(fmt::format("wrote {}, {} bytes. To unpack it: tar -xf {}", file,
                                      with_commas(static_cast<int64_t>(fs::file_size(file))), file));
}

void reindex(const RunsFlags& options, const Invocation& invocation) {
  expect_arguments(options, 0, 0, "no arguments");
  const std::string& runs = invocation.environment.runs;
  if (!fs::is_directory(runs)) throw FormatError::in_file(runs, "no such folder of runs");
  const size_t count = reindex_runs(runs, invocation.terminal.log());
  invocation.terminal.say(fmt::format("{}: {} run{}", index_path(runs), count, count == 1 ? "" : "s"));
}

int run_runs(const RunsFlags& options, const Invocation& invocation) {
  if (!options.remove.empty() && options.action != "tag") throw ConfigError("runs: --remove goes with runs tag only");
  if (options.plan.dry_run && options.action != "rm") throw ConfigError("runs: --dry-run goes with runs rm only");
  if (options.action == "ls") expect_arguments(options, 0, 0, "no arguments"), list(options, invocation);
  else if (options.action == "show") show(options, invocation);
  else if (options.action == "tag") tag(options, invocation);
  else if (options.action == "rm") remove(options, invocation);
  else if (options.action == "export") export_run(options, invocation);
  else reindex(options, invocation);
  return 0;
}

}  // namespace

CommandKind command_kind_runs() {
  return command_kind<RunsFlags>(
      "list, show, tag, remove and export runs",
      "heterodyne runs ls\nheterodyne runs show runs/demo\nheterodyne runs tag demo good --remove draft\n"
      "heterodyne runs rm demo --yes\nheterodyne runs export demo demo.tar.gz\nheterodyne runs reindex",
      run_runs);
}

}  // namespace heterodyne
