// Text from runs, made harmless for a page. Names of classes, experts and files may hold anything.
#pragma once

#include <string>
#include <string_view>

namespace heterodyne {

/// The same text with everything shown that would otherwise be unseen or would reorder what stands around it: control
/// characters as their pictures (U+2400 ..), except line breaks and tabs; marks of writing direction and whatever is
/// not UTF-8 as U+FFFD.
std::string visible(std::string_view text);

/// visible() text for HTML, between tags and in quoted attributes: & < > " ' as character references.
std::string escape_html(std::string_view text);

/// JSON that may stand in a script element: no text in it can end the element or begin a comment, and it is the same
/// JSON. < > & U+2028 and U+2029 become \u escapes, which JSON allows inside strings only, where alone they occur.
std::string escape_json_for_html(std::string_view json);

}  // namespace heterodyne
