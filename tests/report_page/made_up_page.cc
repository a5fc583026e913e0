// Writes the page of a made-up report, for the tests that open it in a browser: made_up_page (small|large) FILE
#include <cstdio>
#include <exception>
#include <string>

#include "heterodyne/base/error.h"
#include "heterodyne/io/file.h"
#include "heterodyne/report/page.h"
#include "heterodyne/report/page_fixtures.h"

int main(int argc, char** argv) {
  using namespace heterodyne;  // NOLINT(google-build-using-namespace)
  const std::string size = argc == 3 ? argv[1] : "";
  if (size != "small" && size != "large") {
    std::fputs("usage: made_up_page small|large FILE\n", stderr);
    return 2;
  }
  try {
    io::write_file(argv[2], html_page(size == "small" ? fixtures::made_up_report() : fixtures::large_report()));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "made_up_page: %s\n", error.what());
    return 1;
  }
  return 0;
}
