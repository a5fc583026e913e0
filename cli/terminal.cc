#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

const char* code_of(Colour colour) {
  switch (colour) {
    case Colour::kRed:
      return "\033[31m";
    case Colour::kYellow:
      return "\033[33m";
    case Colour::kGreen:
      return "\033[32m";
    case Colour::kGrey:
      return "\033[90m";
    case Colour::kPlain:
      break;
  }
  return "";
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

}  // namespace

Terminal::Options Terminal::detect() {
  Options options;
  options.is_tty = ::isatty(STDERR_FILENO) == 1;
  options.use_colour = options.is_tty && !is_set("NO_COLOR") && !is_set("CI");
  options.colours_output = ::isatty(STDOUT_FILENO) == 1 && !is_set("NO_COLOR") && !is_set("CI");
  options.show_progress = options.is_tty && !is_set("CI");
  return options;
}

void Terminal::print(const std::string& line) {
  clear_progress();
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void Terminal::print_part(const std::string& text) {
  clear_progress();
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void Terminal::say(const std::string& line) {
  if (options_.quiet) return;
  write(line, Colour::kPlain);
}

void Terminal::warn(const std::string& line) { write("warning: " + line, Colour::kYellow); }
void Terminal::error(const std::string& line) { write("heterodyne: error: " + line, Colour::kRed); }

void Terminal::write(const std::string& line, Colour colour) {
  clear_progress();
  // Names in it may be of any origin.
  std::vector<std::string> lines;
  for (const auto& part : split(line, '\n')) lines.push_back(printable(part));
  const std::string shown = join(lines, "\n");
  std::fputs((coloured(colour, shown) + "\n").c_str(), stderr);
  if (copy_) copy_(shown);
}

void Terminal::progress(const std::string& line) {
  if (!shows_progress()) return;
  std::fputs(("\r\033[K" + line).c_str(), stderr);
  std::fflush(stderr);
  has_progress_ = true;
}

void Terminal::clear_progress() {
  if (!has_progress_) return;
  std::fputs("\r\033[K", stderr);
  has_progress_ = false;
}

int Terminal::width() const {
  winsize size{};
  if (options_.is_tty && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

std::string Terminal::coloured(Colour colour, const std::string& text) const {
  if (!options_.use_colour || colour == Colour::kPlain) return text;
  return code_of(colour) + text + "\033[0m";
}

Log Terminal::log() {
  return {[this](LogLevel level, const std::string& line) {
    level == LogLevel::kWarning ? warn(line) : say("note: " + line);
  }};
}

}  // namespace heterodyne::cli
