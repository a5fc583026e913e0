#include "cli/view/work.h"

#include <gtest/gtest.h>

namespace heterodyne::cli::work_test {
namespace {

// 2 x 2 pixels to two classes: 8 multiply-adds an example.
TEST(Work, IsThatOfAnExampleTimesTheirNumber) {
  const DataShape shape{1, 2, 2, 2};
  const auto network = networks().make(Member(Table{{"kind", "mlp"}, {"hidden", Array{}}}), NetworkContext{shape, 1});
  EXPECT_EQ(work_text(*network, shape, 1'000'000),
            "forward passes over 1,000,000 examples: 8 MACs each, 8.00 M in all (executed, at even loads)");
  DataShape text;
  text.num_classes = text.vocabulary = 2;
  text.length = 50;
  EXPECT_EQ(work_text(*network, text, 20),
            "forward passes over 1,000 tokens: 8 MACs each, 8.00 k in all (executed, at even loads)");
}

TEST(Work, ALimitIsNoMoreThanThereAre) {
  const auto dataset = datasets().make(Member(Table{{"kind", "synthetic"}, {"examples", 100}, {"size", 4}}),
                                       DataContext{{}, 0.1, {}, 5});
  EXPECT_EQ(num_examples_of(*dataset, Split::kTrain, 0), 90);
  EXPECT_EQ(num_examples_of(*dataset, Split::kTrain, 7), 7);
  EXPECT_EQ(num_examples_of(*dataset, Split::kTrain, 700), 90);
}

}  // namespace
}  // namespace heterodyne::cli::work_test
