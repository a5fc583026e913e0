// Work: what a pass over examples costs, in words, before anybody makes it.
#pragma once

#include <string>

#include "heterodyne/data/dataset.h"
#include "heterodyne/model/network.h"

namespace heterodyne::cli {

/// Examples of a split that a pass looks at, `limit` at most when it is not 0.
int64_t num_examples_of(const Dataset& dataset, Split split, int64_t limit);

/// "forward passes over 10,000 examples: 5.33 M MACs each, 53.3 G in all (executed, at even loads)". An example of a
/// text is a window: its tokens are counted.
std::string work_text(Network& network, const DataShape& shape, double num_examples);

}  // namespace heterodyne::cli
