// The parser of whole templates: text, {{ outputs }} and {% blocks %} as a tree of statements.
//
// Known are set (also as a block, with filters, and of a namespace's attributes), if, for (with else, if, break and
// continue), macro, call, filter, with and generation; raw and comments are the lexer's. What reads other templates
// (include, import, extends) is refused, for a template comes alone.
#pragma once

#include <string>
#include <string_view>

#include "heterodyne/data/jinja/syntax.h"

namespace heterodyne::jinja {

/// Throws FormatError "[where] line 7: expected ..., got ..." for what is no template.
Body parse_template(std::string_view source, const std::string& where);

}  // namespace heterodyne::jinja
