// Writes the page of a made-up report, for the tests that open it in a browser: made_up_page small|large|empty FILE
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "heterodyne/base/error.h"
#include "heterodyne/io/file.h"
#include "heterodyne/report/page.h"
#include "heterodyne/report/page_fixtures.h"

int main(int argc, char** argv) {
  using namespace heterodyne;  // NOLINT(google-build-using-namespace)
  const std::map<std::string, Report (*)()> reports = {
      {"small", fixtures::made_up_report}, {"large", fixtures::large_report}, {"empty", fixtures::empty_report}};
  const auto report = argc == 3 ? reports.find(argv[1]) : reports.end();
  if (report == reports.end()) {
    std::fputs("usage: made_up_page small|large|empty FILE\n", stderr);
    return 2;
  }
  try {
    io::write_file(argv[2], html_page(report->second()));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "made_up_page: %s\n", error.what());
    return 1;
  }
  return 0;
}
