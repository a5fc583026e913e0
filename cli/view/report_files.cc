#include "cli/view/report_files.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>

#include "heterodyne/eval/routing_file.h"
#include "heterodyne/io/file.h"
#include "heterodyne/report/page.h"
#include "heterodyne/report/svg.h"

namespace heterodyne::cli {
namespace {

// A run writes its state when it saves; its other files tell of life in between.
int64_t last_sign_of_life(const RunRecord& run) {
  int64_t last = run.heartbeat;
  for (const char* name : {"metrics.jsonl", "log.txt"}) {
    struct stat status{};
    if (::stat((run.path + "/" + name).c_str(), &status) == 0) last = std::max<int64_t>(last, status.st_mtime);
  }
  return last;
}

// Whether its process is on this machine. Another may have got its number meanwhile: then the run counts as alive.
bool is_process_here(const RunRecord& run) {
  const auto pid = static_cast<pid_t>(run.pid);
  return pid > 0 && pid == run.pid && (::kill(pid, 0) == 0 || errno == EPERM);
}

RunRecord read_record(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) {
    RunRecord record = read_run(path);
    record.heartbeat = last_sign_of_life(record);
    return record;
  }
  RunRecord record;
  record.path = path;
  record.name = std::filesystem::path(path).stem().string();
  record.state = "unknown";
  record.routing = read_routing(path);
  return record;
}

Array rows_document(const Rows& rows) {
  Array items;
  for (const auto& row : rows.rows) {
    Table item;
    for (size_t i = 0; i < row.size(); ++i) item.set(rows.columns[i], row[i]);
    items.emplace_back(std::move(item));
  }
  return items;
}

Table view_document(const Figure& figure, const View& view) {
  Table settings;
  for (size_t i = 0; i < view.options.size(); ++i) {
    settings.set(figure.choices[i].name, figure.choices[i].options[view.options[i]]);
  }
  return {{"settings", std::move(settings)},
          {"unit", view.unit},
          {"count", view.count},
          {"reading", view.reading},
          {"table", rows_document(view.table)}};
}

Table panel_document(const NamedPanel& named) {
  Table document{{"panel", named.id}, {"title", named.panel.title}};
  if (!named.panel.absent.empty()) document.set("absent", named.panel.absent);
  Array figures;
  for (const Figure& figure : named.panel.figures) {
    Array views;
    for (const View& view : figure.views) views.emplace_back(view_document(figure, view));
    figures.emplace_back(Table{{"title", figure.title}, {"views", std::move(views)}});
  }
  document.set("figures", std::move(figures));
  return document;
}

}  // namespace

ReportInput read_report_input(const std::vector<std::string>& paths, const std::vector<std::string>& command) {
  if (paths.empty() || paths.size() > 2) {
    throw ConfigError(fmt::format("report: expected a run's folder or a routing.safetensors, or two to compare, got {}",
                                  paths.size()));
  }
  ReportInput input;
  input.run = read_record(paths.back());
  if (paths.size() == 2) input.before = read_record(paths.front());
  input.loads = load_history(input.run);
  input.command = command;
  if (!is_process_here(input.run)) input.now = std::time(nullptr);
  return input;
}

std::string default_page(const std::string& path) {
  const std::filesystem::path given(path);
  const auto folder = std::filesystem::is_regular_file(given) ? given.parent_path() : given;
  return (folder / "report.html").string();
}

std::string with_ending(const std::string& path, const std::string& ending) {
  return std::filesystem::path(path).replace_extension(ending).string();
}

uint64_t write_page(const Report& report, const std::string& path) {
  const std::string page = html_page(report);
  io::write_file(path, page);
  return page.size();
}

int64_t write_pictures(const Report& report, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw DeviceError(folder + ": cannot be made: " + error.message());
  int64_t written = 0;
  for (const auto& [id, panel] : report.panels) {
    for (size_t f = 0; f < panel.figures.size(); ++f) {
      for (const View& view : panel.figures[f].views) {
        const std::string svg = svg_of(view.chart, panel.figures[f].title);
        if (svg.empty()) continue;
        std::string name = fmt::format("{}-{}", id, f + 1);
        for (const size_t option : view.options) name += fmt::format("-{}", option + 1);
        io::write_file(folder + "/" + name + ".svg", svg_file(svg));
        ++written;
      }
    }
  }
  return written;
}

Table report_document(const Report& report) {
  Array found, panels;
  for (const auto& [kind, finding] : report.findings) {
    found.emplace_back(Table{{"kind", kind},
                             {"severity", severity_word(finding.severity)},
                             {"text", finding.text},
                             {"panel", finding.panel}});
  }
  for (const NamedPanel& panel : report.panels) panels.emplace_back(panel_document(panel));
  return {
      {"title", report.title}, {"about", report.about}, {"findings", std::move(found)}, {"panels", std::move(panels)}};
}

}  // namespace heterodyne::cli
