// How values become text: as `{{ }}` and `~` write them, as Python writes them in lists, and as JSON.
#pragma once

#include <optional>
#include <string>

#include "heterodyne/data/jinja/rendering.h"

namespace heterodyne::jinja {

/// Text as it is, others as Python's str() writes them: True, None, 1.0, [1, 'a']. Of an undefined value nothing.
std::string text_of(Rendering& rendering, const Value& value);
/// As Python's repr() writes it: texts in quotes.
std::string quoted_value(Rendering& rendering, const Value& value);

struct JsonStyle {
  std::optional<std::string> indent;     // before what is inside, once for each level; none: everything on one line
  std::optional<std::string> separator;  // between elements, by default ", ", or "," before a line end
  std::string colon = ": ";
  bool is_ascii = false;  // write other characters as \u escapes
  bool sorts_keys = false;
};
/// As Python's json.dumps() writes it. Fails for an undefined value, an object, and keys that are tuples.
std::string json_of(Rendering& rendering, const Value& value, const JsonStyle& style);

}  // namespace heterodyne::jinja
