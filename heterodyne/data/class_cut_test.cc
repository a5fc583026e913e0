#include "heterodyne/data/class_cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"

namespace heterodyne::class_cut_test {
namespace {

const std::vector<std::string> kNames = {"a", "b"};

// Twelve of class 0 at even places, eight of class 1 at odd ones and after them.
torch::Tensor labels() {
  return torch::tensor({0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0}, torch::kInt64);
}

int64_t count_of(const std::vector<int64_t>& places, int64_t label) {
  const auto all = labels();
  return std::count_if(places.begin(), places.end(),
                       [&](int64_t place) { return all[place].item<int64_t>() == label; });
}

// A quarter of twelve and of eight.
TEST(ClassCut, KeepsTheShareOfEachClassForValidation) {
  const auto cut = cut_by_class(labels(), kNames, 0.25, {});
  EXPECT_EQ(count_of(cut.valid, 0), 3);
  EXPECT_EQ(count_of(cut.valid, 1), 2);
  EXPECT_EQ(cut.train.size(), 15U);
  std::set<int64_t> both(cut.train.begin(), cut.train.end());
  both.insert(cut.valid.begin(), cut.valid.end());
  EXPECT_EQ(both.size(), 20U);
  EXPECT_TRUE(std::is_sorted(cut.train.begin(), cut.train.end()));
  EXPECT_TRUE(std::is_sorted(cut.valid.begin(), cut.valid.end()));
}

TEST(ClassCut, ABalancedPartLeavesValidationAsItIs) {
  const auto whole = cut_by_class(labels(), kNames, 0.25, {});
  const auto part = cut_by_class(labels(), kNames, 0.25, {4, 7});
  EXPECT_EQ(part.valid, whole.valid);
  EXPECT_EQ(count_of(part.train, 0), 4);
  EXPECT_EQ(count_of(part.train, 1), 4);
  EXPECT_TRUE(std::includes(whole.train.begin(), whole.train.end(), part.train.begin(), part.train.end()));
  EXPECT_EQ(cut_by_class(labels(), kNames, 0.25, {4, 7}).train, part.train);
  EXPECT_NE(cut_by_class(labels(), kNames, 0.25, {4, 8}).train, part.train);
}

TEST(ClassCut, AClassWithTooFewExamplesIsNamed) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { cut_by_class(labels(), kNames, 0.25, {7, 0}); }),
            "[data] per_class: expected at most the 6 training examples of the class \"b\", got 7");
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { cut_by_class(labels(), {"a", "b", "c"}, 0, {2, 0}); }),
            "[data] per_class: expected training examples of every class, \"c\" has none");
  EXPECT_EQ(cut_by_class(labels(), {"a", "b", "c"}, 0, {}).train.size(), 20U);
}

// Class 0 has eight examples in each domain, class 1 four in the first alone. A quarter of each group.
TEST(ClassCut, DomainsAreCutOneByOneAndCountedTogether) {
  const auto label_N = torch::cat({torch::zeros({16}, torch::kInt64), torch::ones({4}, torch::kInt64)});
  const auto domain_N =
      torch::cat({torch::zeros({8}, torch::kInt64), torch::ones({8}, torch::kInt64), torch::zeros({4}, torch::kInt64)});
  const auto cut = cut_by_domain(label_N, domain_N, kNames, 0.25, {}, 1);
  const auto count = [&](int64_t first, int64_t last) {
    return std::count_if(cut.valid.begin(), cut.valid.end(), [&](int64_t n) { return n >= first && n < last; });
  };
  EXPECT_EQ(count(0, 8), 2);
  EXPECT_EQ(count(8, 16), 2);
  EXPECT_EQ(count(16, 20), 1);
  EXPECT_EQ(cut.train.size(), 15U);
  EXPECT_EQ(cut_by_domain(label_N, domain_N, kNames, 0.25, {3, 0}, 1).train.size(), 6U);
  EXPECT_NE(cut_by_domain(label_N, domain_N, kNames, 0.25, {}, 2).valid, cut.valid);
}

}  // namespace
}  // namespace heterodyne::class_cut_test
