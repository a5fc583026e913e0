#include "heterodyne/report/run_series.h"

#include <gtest/gtest.h>

#include "heterodyne/report/fixtures.h"

namespace heterodyne::run_series_test {
namespace {

TEST(RunSeries, OfOneKeyAndOneKindOfLine) {
  const auto input = fixtures::full_input();
  EXPECT_EQ(series_of(input.run, "valid", "loss").points, (Points{{500, 0.5}, {1000, 0.5}}));
  EXPECT_EQ(series_of(input.run, "train", "loss").points.size(), 10U);
  EXPECT_TRUE(series_of(input.run, "train", "nothing").points.empty());
}

TEST(RunSeries, ValuesThatAreNotFiniteAreCounted) {
  RunRecord run;
  run.metrics = {Table{{"step", 1}, {"kind", "train"}, {"loss", Value()}},
                 Table{{"step", 2}, {"kind", "train"}, {"loss", fixtures::kNan}},
                 Table{{"step", 3}, {"kind", "train"}, {"loss", 2}},
                 Table{{"step", 4}, {"kind", "train"}, {"loss", "text"}}, Table{{"loss", 1}}};
  const Series series = series_of(run, "train", "loss");
  EXPECT_EQ(series.points, (Points{{3, 2}}));
  EXPECT_EQ(series.num_nonfinite, 2);
  EXPECT_EQ(keys_of(run, "train"), (std::vector<std::string>{"step", "kind", "loss"}));
}

TEST(RunSeries, KeysOfLayersAreTakenApart) {
  EXPECT_EQ(layer_key("layers.10.experts.3.share").layer, "layers.10");
  EXPECT_EQ(layer_key("layers.10.experts.3.share").name, "experts.3.share");
  EXPECT_EQ(layer_key("grad_norm").layer, "");
  EXPECT_EQ(layer_key("grad_norm").name, "grad_norm");
}

}  // namespace
}  // namespace heterodyne::run_series_test
