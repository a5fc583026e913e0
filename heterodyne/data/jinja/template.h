// Template: a text in the language Jinja, as models bring it to say how a conversation is written for them.
//
// The language is what transformers makes of Jinja 3 (trim_blocks, lstrip_blocks, loop controls, `generation`,
// raise_exception, strftime_now, tojson without escapes of HTML), in its immutable sandbox: a template reads and writes
// nothing outside, changes nothing but its namespaces, and takes no more steps, memory and depth than Limits
// (rendering.h) grant, since it comes from others. Not there are templates in several files, recursive loops and
// spread arguments.
//
// Why our own: of the engines for C++ that Debian has none reads this language (inja and mustache are others), and the
// interpreter of Python would bring Python into each program.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "heterodyne/data/jinja/rendering.h"

namespace heterodyne::jinja {

class Template {
 public:
  /// `where` is for error texts. Throws FormatError "[where] line 7: expected ..., got ..." for what is no template.
  Template(std::string_view source, std::string where);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// The text that the template makes of the entries of `names`. `now` is what strftime_now tells; without it there is
  /// no such function. Throws FormatError with the line where the template fails, refuses, or passes a limit.
  std::string render(const Table& names, const std::optional<std::tm>& now = {}, const Limits& limits = {}) const;

 private:
  struct Parsed;
  std::unique_ptr<const Parsed> parsed_;
  std::string where_;
};

}  // namespace heterodyne::jinja
