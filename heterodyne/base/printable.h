// Printable: text of unknown origin, a name from a file or a folder, made fit to be shown on one line of a terminal.
#pragma once

#include <string>
#include <string_view>

namespace heterodyne {

/// The text with everything replaced that is no character to look at: control characters below U+0020, line ends among
/// them, by "\n", "\t" or "\x1b"; bytes that are not UTF-8 by "\xff"; other control characters and those that reorder a
/// line by "\u007f", "\u202e". Other text stays as it is, backslashes too, so JSON stays JSON.
std::string printable(std::string_view text);

/// Whether printable() would leave the text as it is.
bool is_printable(std::string_view text);

}  // namespace heterodyne
