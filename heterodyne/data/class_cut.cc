#include "heterodyne/data/class_cut.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/permutation.h"

namespace heterodyne {
namespace {

// The first `count` places in the order drawn.
std::vector<int64_t> drawn(const std::vector<int64_t>& places, int64_t count, const RandomStream& stream,
                           RandomKey key) {
  const auto order = permutation(static_cast<int64_t>(places.size()), stream, key);
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < count; ++i) chosen.push_back(places[static_cast<size_t>(order[static_cast<size_t>(i)])]);
  return chosen;
}

void check_class(const std::string& name, int64_t has, int64_t wanted) {
  if (has >= wanted) return;
  throw ConfigError("data", "per_class",
                    has == 0 ? fmt::format("expected training examples of every class, \"{}\" has none", name)
                             : fmt::format("expected at most the {} training examples of the class \"{}\", got {}",
                                           with_commas(has), name, with_commas(wanted)));
}

}  // namespace

ClassCut cut_by_class(const torch::Tensor& label_N, const std::vector<std::string>& class_names, double validation,
                      const PerClass& per_class) {
  const int64_t* labels = label_N.const_data_ptr<int64_t>();
  std::vector<std::vector<int64_t>> places(class_names.size());
  for (int64_t n = 0; n < label_N.numel(); ++n) {
    HETERODYNE_DCHECK(labels[n] >= 0 && static_cast<size_t>(labels[n]) < places.size());
    places[static_cast<size_t>(labels[n])].push_back(n);
  }
  const RandomStream split("data.split"), few("data.per_class");
  ClassCut cut;
  for (size_t label = 0; label < places.size(); ++label) {
    const auto size = static_cast<int64_t>(places[label].size());
    const int64_t num_valid = std::llround(validation * static_cast<double>(size));
    const auto order = drawn(places[label], size, split, {0, label});
    cut.valid.insert(cut.valid.end(), order.begin(), order.begin() + num_valid);
    std::vector<int64_t> rest(order.begin() + num_valid, order.end());
    if (per_class.count > 0) {
      check_class(class_names[label], size - num_valid, per_class.count);
      rest = drawn(rest, per_class.count, few, {static_cast<uint64_t>(per_class.seed), label});
    }
    cut.train.insert(cut.train.end(), rest.begin(), rest.end());
  }
  std::sort(cut.train.begin(), cut.train.end());
  std::sort(cut.valid.begin(), cut.valid.end());
  return cut;
}

}  // namespace heterodyne
