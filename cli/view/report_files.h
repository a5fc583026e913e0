// Report files: reads what a report is made from, and writes it as a page, as Markdown and as pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/report/report.h"

namespace heterodyne::cli {

/// Of one run's folder or routing.safetensors; of two, the second against the first. Throws ConfigError for another
/// number of them, FormatError as read_run() and read_routing() do. The clock is left out where the run's process
/// lives.
ReportInput read_report_input(const std::vector<std::string>& paths, const std::vector<std::string>& command);

/// report.html in the run's folder, or beside the file.
std::string default_page(const std::string& path);

/// The same name with another ending: report.md.
std::string with_ending(const std::string& path, const std::string& ending);

/// Writes the page. Returns its size in bytes. Throws DeviceError.
uint64_t write_page(const Report& report, const std::string& path);

/// Writes every chart as PANEL-FIGURE[-OPTION...].svg into the folder, which is made; numbers count from 1. Returns how
/// many. Throws DeviceError.
int64_t write_pictures(const Report& report, const std::string& folder);

/// Everything the report says, without its charts, as one document.
Table report_document(const Report& report);

}  // namespace heterodyne::cli
