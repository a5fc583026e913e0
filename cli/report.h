// Report: what an evaluation found, in lines for people.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "heterodyne/eval/evaluate.h"
#include "heterodyne/model/network.h"

namespace heterodyne::cli {

/// One paragraph for each MoE layer: totals and balance, then for each expert its id, group, parameters, a bar of its
/// share of the assignments and its load against an even one; last, routed against executed MACs of an example.
std::vector<std::string> routing_lines(Network& network, const Evaluation& evaluation, int width);

/// A bar of eighths, `share` of `width` columns.
std::string bar(double share, int width);

/// "3.48 M"
std::string short_count(double number);

/// One character of eight heights for each share, relative to the largest.
std::string tiny_bars(const std::vector<int64_t>& counts);

}  // namespace heterodyne::cli
