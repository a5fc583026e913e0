// SVG: a chart as a picture without scripts. Every kind of chart.h is drawn; equal charts give equal bytes.
#pragma once

#include <string>

#include "heterodyne/base/table.h"

namespace heterodyne {

/// One <svg> element. Text and axes have the current colour of the page around it; marks the classes c0 .. c9, lines
/// l0 .. l9, with colours of their own where the page has no rules for them. A table that is no chart gives "".
std::string svg_of(const Table& chart, const std::string& title);

/// The element as a file of its own, dark on light or light on dark as the viewer prefers.
std::string svg_file(const std::string& svg);

}  // namespace heterodyne
