#include "heterodyne/data/class_cut.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

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

// Places by group, each in the order of the examples.
std::vector<std::vector<int64_t>> grouped(const torch::Tensor& group_N, size_t num_groups) {
  const int64_t* group = group_N.const_data_ptr<int64_t>();
  std::vector<std::vector<int64_t>> places(num_groups);
  for (int64_t n = 0; n < group_N.numel(); ++n) {
    HETERODYNE_DCHECK(group[n] >= 0 && static_cast<size_t>(group[n]) < places.size());
    places[static_cast<size_t>(group[n])].push_back(n);
  }
  return places;
}

// The share of each group is for validation; what is left of each, in the order drawn.
struct GroupCut {
  std::vector<std::vector<int64_t>> rest;
  std::vector<int64_t> valid;
};

GroupCut cut_groups(const std::vector<std::vector<int64_t>>& places, double validation, uint64_t seed) {
  const RandomStream split("data.split");
  GroupCut cut;
  for (size_t g = 0; g < places.size(); ++g) {
    const auto size = static_cast<int64_t>(places[g].size());
    const int64_t num_valid = std::llround(validation * static_cast<double>(size));
    const auto order = drawn(places[g], size, split, {seed, g});
    cut.valid.insert(cut.valid.end(), order.begin(), order.begin() + num_valid);
    cut.rest.emplace_back(order.begin() + num_valid, order.end());
  }
  return cut;
}

// All that validation leaves, or so many of each class.
ClassCut finished(std::vector<std::vector<int64_t>> rest, std::vector<int64_t> valid,
                  const std::vector<std::string>& class_names, const PerClass& per_class) {
  const RandomStream few("data.per_class");
  ClassCut cut{{}, std::move(valid)};
  for (size_t label = 0; label < rest.size(); ++label) {
    if (per_class.count > 0) {
      check_class(class_names[label], static_cast<int64_t>(rest[label].size()), per_class.count);
      rest[label] = drawn(rest[label], per_class.count, few, {static_cast<uint64_t>(per_class.seed), label});
    }
    cut.train.insert(cut.train.end(), rest[label].begin(), rest[label].end());
  }
  std::sort(cut.train.begin(), cut.train.end());
  std::sort(cut.valid.begin(), cut.valid.end());
  return cut;
}

}  // namespace

void check_class_names(const std::vector<std::string>& names, const std::string& where) {
  const std::set<std::string> different(names.begin(), names.end());
  if (different.size() >= 2 && different.size() == names.size()) return;
  throw ConfigError(where, "classes", fmt::format("expected at least two names that differ, got {}", join(names)));
}

ClassCut cut_by_class(const torch::Tensor& label_N, const std::vector<std::string>& class_names, double validation,
                      const PerClass& per_class) {
  auto groups = cut_groups(grouped(label_N, class_names.size()), validation, 0);
  return finished(std::move(groups.rest), std::move(groups.valid), class_names, per_class);
}

ClassCut cut_by_domain(const torch::Tensor& label_N, const torch::Tensor& domain_N,
                       const std::vector<std::string>& class_names, double validation, const PerClass& per_class,
                       uint64_t seed) {
  const size_t Y = class_names.size();
  const int64_t domains = domain_N.numel() > 0 ? domain_N.max().item<int64_t>() + 1 : 0;
  const auto group_N = (domain_N * static_cast<int64_t>(Y) + label_N).contiguous();
  auto groups = cut_groups(grouped(group_N, Y * static_cast<size_t>(domains)), validation, seed);
  std::vector<std::vector<int64_t>> of_class(Y);
  for (size_t g = 0; g < groups.rest.size(); ++g)
    of_class[g % Y].insert(of_class[g % Y].end(), groups.rest[g].begin(), groups.rest[g].end());
  return finished(std::move(of_class), std::move(groups.valid), class_names, per_class);
}

}  // namespace heterodyne
