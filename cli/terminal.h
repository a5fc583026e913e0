// Terminal: where the program's words go. Data to standard output; notes, warnings and the progress line to standard
// error. Colour and the redrawn line vanish when standard error is no terminal.
#pragma once

#include <functional>
#include <string>

#include "heterodyne/base/log.h"

namespace heterodyne::cli {

enum class Colour { kPlain, kRed, kYellow, kGreen, kGrey };

class Terminal {
 public:
  struct Options {
    bool is_tty = false;  // standard error is a terminal
    bool use_colour = false;
    bool colours_output = false;  // standard output is a terminal that shows colour
    bool quiet = false;           // no notes and no progress; warnings and errors stay
    bool show_progress = false;
    bool verbose = false;
  };
  explicit Terminal(Options options) : options_(options) {}

  /// What the streams are, NO_COLOR and CI considered.
  static Options detect();

  /// A line of data on standard output.
  void print(const std::string& line);
  /// A part of a line of data on standard output, shown at once.
  void print_part(const std::string& text);
  /// A line of talk on standard error.
  void say(const std::string& line);
  void warn(const std::string& line);
  void error(const std::string& line);
  /// Redraws the progress line; nothing unless shows_progress().
  void progress(const std::string& line);
  /// Takes the progress line away, so that other lines can follow.
  void clear_progress();

  /// Whether data on standard output may be coloured.
  bool has_colour() const { return options_.colours_output; }
  bool shows_progress() const { return options_.is_tty && options_.show_progress && !options_.quiet; }
  void set_quiet(bool quiet) { options_.quiet = options_.quiet || quiet; }
  void set_show_progress(bool show) { options_.show_progress = show; }
  void set_verbose(bool verbose) { options_.verbose = verbose; }
  bool is_verbose() const { return options_.verbose; }
  /// Columns of the terminal; 100 when it is none.
  int width() const;
  std::string coloured(Colour colour, const std::string& text) const;

  /// Every line of talk goes here too, uncoloured: a run's log.txt.
  void set_copy(std::function<void(const std::string&)> copy) { copy_ = std::move(copy); }
  /// A sink for the library's notes and warnings.
  Log log();

 private:
  void write(const std::string& line, Colour colour);

  Options options_;
  bool has_progress_ = false;
  std::function<void(const std::string&)> copy_;
};

}  // namespace heterodyne::cli
