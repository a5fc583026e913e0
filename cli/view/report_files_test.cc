#include "cli/view/report_files.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/report/fixtures.h"

namespace heterodyne::cli::report_files_test {
namespace {

TEST(ReportFiles, ThePageLiesInTheRunOrBesideTheFile) {
  const fixtures::TemporaryFolder folder;
  folder.put("run/routing.safetensors", "x");
  EXPECT_EQ(default_page(folder / "run"), folder / "run/report.html");
  EXPECT_EQ(default_page(folder / "run/routing.safetensors"), folder / "run/report.html");
  EXPECT_EQ(with_ending("a.b/report.html", ".md"), "a.b/report.md");
}

TEST(ReportFiles, OneOrTwoInputsAreRead) {
  EXPECT_THROW(read_report_input({}, {}), ConfigError);
  EXPECT_THROW(read_report_input({"a", "b", "c"}, {}), ConfigError);
  EXPECT_THROW(read_report_input({"no such run"}, {}), FormatError);
}

TEST(ReportFiles, APageHasTheSizeThatIsSaid) {
  const fixtures::TemporaryFolder folder;
  const Report report = make_report(fixtures::full_input());
  const uint64_t size = write_page(report, folder / "report.html");
  EXPECT_EQ(io::read_file(folder / "report.html").size(), size);
}

TEST(ReportFiles, PicturesAreNamedByPanelFigureAndOption) {
  const fixtures::TemporaryFolder folder;
  const auto written = write_pictures(make_report(fixtures::full_input()), folder / "a/b");
  const auto names = io::list_folder(folder / "a/b");
  EXPECT_EQ(static_cast<int64_t>(names.size()), written);
  EXPECT_NE(std::find(names.begin(), names.end(), "load_over_time-1-2-1.svg"), names.end());
}

TEST(ReportFiles, TheDocumentHasFindingsAndTables) {
  const Table document = report_document(make_report(fixtures::full_input()));
  const Table& first = *(*document.find("panels")->if_array())[0].if_table();
  EXPECT_EQ(*first.find("panel"), Value("training"));
  EXPECT_FALSE(first.contains("absent"));
  EXPECT_FALSE(document.find("findings")->if_array()->empty());
}

}  // namespace
}  // namespace heterodyne::cli::report_files_test
