// Report: how a network used its experts, in lines for people. For programs see report_data.h.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/eval/routing_profile.h"

namespace heterodyne::cli {

/// At most `width` columns each. A paragraph for each MoE layer: totals and balance; for each expert its id, name,
/// parameters, a bar of its share of the assignments, its load against an even one and the classes it gets most above
/// chance; how much classes say about experts; what was recorded of knock-outs, similarity and random routers. Last,
/// routed against executed MACs of an example. Names lose their control characters.
std::vector<std::string> routing_lines(const RoutingProfile& profile, int width);

/// A bar of eighths, `share` of `width` columns.
std::string bar(double share, int width);

/// "3.48 M"
std::string short_count(double number);

/// One character of eight heights for each share, relative to the largest.
std::string tiny_bars(const std::vector<int64_t>& counts);

}  // namespace heterodyne::cli
