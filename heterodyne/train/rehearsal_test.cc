#include "heterodyne/train/rehearsal.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "heterodyne/io/fixtures.h"
#include "heterodyne/train/fixtures.h"
#include "heterodyne/train/trainer.h"

namespace heterodyne::rehearsal_test {
namespace {

TEST(CompareValues, CountsWhatDiffersAndNamesTheFirst) {
  const auto one = torch::arange(6, torch::kFloat32).view({2, 3});
  auto other = one.clone();
  EXPECT_EQ(compare_values({{"w", one}}, {{"w", other}}).num_different, 0);
  other[1][0] = 7;
  other[1][2] = 8;
  const Difference found = compare_values({{"v", one}, {"w", one}}, {{"v", one}, {"w", other}});
  EXPECT_EQ(found.num_values, 12);
  EXPECT_EQ(found.num_different, 2);
  EXPECT_EQ(found.first, "w[1, 0]: 3.0 and 7.0");
}

TEST(CompareValues, TellsBitsApartAndNotNumbers) {
  const auto zero = torch::zeros({1}), minus = -zero, nan = torch::full({1}, NAN);
  EXPECT_EQ(compare_values({{"w", zero}}, {{"w", minus}}).num_different, 1);
  EXPECT_EQ(compare_values({{"w", nan}}, {{"w", nan.clone()}}).num_different, 0);
}

TEST(CompareValues, AnotherShapeOrNameDiffersAsAWhole) {
  const auto four = torch::zeros({4});
  EXPECT_EQ(compare_values({{"w", four}}, {{"w", four.view({2, 2})}}).first, "w: another shape or dtype");
  EXPECT_EQ(compare_values({{"w", four}}, {{"w", four.to(torch::kFloat64)}}).num_different, 4);
  EXPECT_EQ(compare_values({{"w", four}}, {}).first, "w: is in one of them only");
  EXPECT_EQ(compare_values({}, {{"w", four}}).num_different, 4);
  EXPECT_EQ(compare_values({}, {}).num_values, 0);
}

// A run of two epochs of six steps, with dropout and noise, saved after its first step.
class RehearsalTest : public testing::Test {
 protected:
  RehearsalTest() {
    at::set_num_threads(1);  // small tensors
    Trainer trainer({experiment, *dataset, *network, *optimizer, {}, nullptr, [] { return true; }}, {});
    trainer.run();
    save_checkpoint(folder / "step-00000001", *network, *optimizer, trainer.state(), experiment);
  }
  CheckpointInfo checkpoint() const { return read_checkpoint(folder / "step-00000001"); }

  Experiment experiment = fixtures::small_experiment();
  std::unique_ptr<Dataset> dataset = make_dataset(experiment, {}, {});
  std::shared_ptr<Network> network = make_network(experiment);
  std::shared_ptr<Optimizer> optimizer = optimizers().make(experiment.options.train.optimizer);
  fixtures::TemporaryFolder folder;
};

TEST_F(RehearsalTest, ASoundRunIsResumedAndRepeatedToTheBit) {
  const auto saved = checkpoint();
  Rehearsal rehearsal({saved, *dataset, 8});  // across the end of an epoch
  int64_t num_values = 0;
  for (const auto& parameter : network->parameters()) num_values += parameter.numel();
  for (const auto& difference : {rehearsal.resume_difference(folder / "scratch"), rehearsal.repeat_difference()}) {
    EXPECT_EQ(difference.num_different, 0) << difference.first;
    EXPECT_GE(difference.num_values, 3 * num_values) << "weights and both moments";
  }
  const Difference plans = rehearsal.plan_difference(2);
  EXPECT_EQ(plans.num_different, 0) << plans.first;
  EXPECT_GT(plans.num_values, 0);
}

TEST_F(RehearsalTest, GoesOnBehindTheEndOfTheRun) {
  const auto saved = checkpoint();
  Rehearsal rehearsal({saved, *dataset, 14});  // the run has 12 steps
  EXPECT_EQ(rehearsal.resume_difference(folder / "scratch").num_different, 0);
}

// A data set that gives other images each time it is asked: what no run can be repeated with.
class Unsteady : public Dataset {
 public:
  explicit Unsteady(const Dataset& inner) : inner_(inner) {}
  DataShape shape() const override { return inner_.shape(); }
  int64_t size(Split split) const override { return inner_.size(split); }
  Batch get(Split split, const torch::Tensor& index_B) const override {
    Batch batch = inner_.get(split, index_B);
    batch.inputs = batch.inputs + 1e-3 * static_cast<double>(++num_asked_);
    return batch;
  }
  torch::Tensor labels(Split split) const override { return inner_.labels(split); }
  const std::vector<std::string>& class_names() const override { return inner_.class_names(); }

 private:
  const Dataset& inner_;
  mutable std::atomic<int64_t> num_asked_ = 0;
};

TEST_F(RehearsalTest, WhatCannotBeRepeatedIsFound) {
  const auto saved = checkpoint();
  const Unsteady unsteady(*dataset);
  Rehearsal rehearsal({saved, unsteady, 4});
  const Difference repeated = rehearsal.repeat_difference();
  EXPECT_GT(repeated.num_different, 0);
  EXPECT_TRUE(repeated.first.starts_with("model: ")) << repeated.first;
  EXPECT_GT(rehearsal.resume_difference(folder / "scratch").num_different, 0);
}

}  // namespace
}  // namespace heterodyne::rehearsal_test
