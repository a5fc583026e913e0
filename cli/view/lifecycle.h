// Lifecycle: when experts came and went, in lines for people.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/report/lives.h"

namespace heterodyne::cli {

/// A head line, one line for all the experts that were there from the first step to the last, and one for each other
/// with its span and why it came or went:
///   layers.8   steps 0 .. 5,000   active 6 -> 6
///     0-4  |==================================================|
///     5    |=====x 600 removed: 0 assignments in 300 steps
///     6          +============================================| 600 added
std::vector<std::string> lifecycle_lines(const LayerLives& layer, int width);

/// "0-4, 7": whole numbers in order, neighbours joined.
std::string runs_of(const std::vector<int64_t>& ids);

}  // namespace heterodyne::cli
