// Methods of texts, lists and tables that templates may call: those of Python that change nothing. One that would
// change its subject is refused, as in Jinja's sandbox.
#pragma once

#include <string>

#include "heterodyne/data/jinja/rendering.h"

namespace heterodyne::jinja {

bool has_method(const Value& subject, const std::string& name);
/// Fails when has_method() says no.
Value call_method(Rendering& rendering, const Value& subject, const std::string& name, const Arguments& arguments);
/// The method as something to call later.
Value bound_method(const Value& subject, const std::string& name);

}  // namespace heterodyne::jinja
