#include "cli/view/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/view/report.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {

int64_t num_examples_of(const Dataset& dataset, Split split, int64_t limit) {
  const int64_t size = dataset.size(split);
  return limit > 0 ? std::min(limit, size) : size;
}

std::string work_text(Network& network, const DataShape& shape, double num_examples) {
  const bool is_each_token = shape.is_text() && shape.num_classes == shape.vocabulary;  // which is to be predicted
  const double count = num_examples * (is_each_token ? static_cast<double>(shape.length) : 1);
  const double macs = even_cost(network).executed.macs;
  return fmt::format("forward passes over {} {}: {} MACs each, {} in all (executed, at even loads)",
                     with_commas(std::llround(count)), is_each_token ? "tokens" : "examples", short_count(macs),
                     short_count(macs * count));
}

}  // namespace heterodyne::cli
