#include "heterodyne/base/profile.h"

#include <gtest/gtest.h>

#include <chrono>

namespace heterodyne::profile_test {
namespace {

void busy(int milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(Profile, ASpansOwnTimeIsWhatInnerOnesLeave) {
  Profile profile;
  {
    const ProfileSpan outer(&profile, "outer");
    busy(2);
    for (int i = 0; i < 2; ++i) {
      const ProfileSpan inner(&profile, "inner", "layers.0");
      busy(3);
    }
  }
  ASSERT_EQ(profile.records().size(), 3U);
  EXPECT_STREQ(profile.records()[0].place, "layers.0");
  const auto &outer = profile.sums().at("outer"), &inner = profile.sums().at("inner");
  EXPECT_EQ(inner.count, 2);
  EXPECT_GE(inner.seconds, 0.006);
  EXPECT_GE(outer.seconds, 0.002);
  const auto& whole = profile.records()[2];
  EXPECT_NEAR(outer.seconds + inner.seconds, 1e-9 * static_cast<double>(whole.end_ns - whole.begin_ns), 1e-9);
}

TEST(Profile, WithoutOneNothingHappens) {
  const ProfileSpan span(nullptr, "nothing");
  watch_backward(torch::ones({}, torch::requires_grad()) * 2, nullptr);
}

TEST(Profile, KeepsSoManySpansAndSumsTheRest) {
  Profile profile(2);
  for (int i = 0; i < 5; ++i) const ProfileSpan span(&profile, "span");
  EXPECT_EQ(profile.records().size(), 2U);
  EXPECT_EQ(profile.num_left_out(), 3);
  EXPECT_EQ(profile.sums().at("span").count, 5);
  profile.clear();
  EXPECT_TRUE(profile.sums().empty());
}

// A node is its innermost span's; what no span made is nobody's, and time in backward that is nobody's the span's
// around it.
TEST(Profile, TheBackwardPassIsCountedWhereItsNodesWereMade) {
  Profile profile;
  const auto x = torch::ones({3}, torch::requires_grad());
  torch::Tensor y, z;
  {
    const ProfileSpan outer(&profile, "outer");
    y = x * 2;
    const ProfileSpan inner(&profile, "inner");
    z = y.exp();
  }
  const auto loss = z.sum();
  EXPECT_STREQ(profile.maker_of(z.grad_fn()->sequence_nr())->name, "inner");
  EXPECT_STREQ(profile.maker_of(y.grad_fn()->sequence_nr())->name, "outer");
  EXPECT_EQ(profile.maker_of(loss.grad_fn()->sequence_nr()), nullptr);
  watch_backward(loss, &profile);
  {
    const ProfileSpan backward(&profile, "backward");
    loss.backward();
  }
  EXPECT_GT(profile.sums().at("inner").backward_seconds, 0);
  EXPECT_GT(profile.sums().at("outer").backward_seconds, 0);
  EXPECT_EQ(profile.sums().at("outer").count, 1);
  EXPECT_NEAR(x.grad()[0].item<double>(), 2 * std::exp(2.0), 1e-5);
}

}  // namespace
}  // namespace heterodyne::profile_test
