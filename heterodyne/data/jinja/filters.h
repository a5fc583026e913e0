// Filters and tests: `value | name(...)` and `value is name(...)`. Those of Jinja that conversations need; filters that
// are lazy there give lists here.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/data/jinja/rendering.h"

namespace heterodyne::jinja {

/// Fails for a name that is not known, with the nearest that is.
Value apply_filter(Rendering& rendering, const std::string& name, const Value& subject, const Arguments& arguments);
bool apply_test(Rendering& rendering, const std::string& name, const Value& subject, const Arguments& arguments);

/// One filter: what it is called, and what it does.
struct Filter {
  const char* name;
  Value (*apply)(Rendering& rendering, const Value& subject, const Arguments& arguments);
};
const std::vector<Filter>& filters_of_texts();
const std::vector<Filter>& filters_of_lists();

}  // namespace heterodyne::jinja
