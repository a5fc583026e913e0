#include "cli/view/profile_view.h"

#include <gtest/gtest.h>

#include <chrono>

#include "heterodyne/base/torch.h"

namespace heterodyne::cli::profile_view_test {
namespace {

void busy(int milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < end) {
  }
}

// A step: data, a network with a router in it, and backward, in which the router's node runs.
double step(Profile& profile) {
  const auto begin = std::chrono::steady_clock::now();
  {
    const ProfileSpan span(&profile, "data");
    busy(2);
  }
  torch::Tensor y;
  {
    const ProfileSpan network(&profile, "network");
    busy(3);
    const ProfileSpan router(&profile, "router", "layers.0");
    busy(4);
    y = torch::ones({1}, torch::requires_grad()) * 2;
  }
  watch_backward(y, &profile);
  {
    const ProfileSpan span(&profile, "backward");
    busy(5);
    y.backward();
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TEST(ProfileView, SharesAddUpToAll) {
  Profile profile;
  const double seconds = 2 * step(profile);  // half of it is covered by no span
  for (const auto& shares : {phase_shares(profile, seconds), part_shares(profile, seconds)}) {
    double sum = 0;
    for (const auto& [name, share] : shares) sum += share;
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_NEAR(shares.at("other"), 0.5, 0.01);
    EXPECT_GE(shares.at("data"), 0.002 / seconds);
  }
  EXPECT_GE(phase_shares(profile, seconds).at("forward"), 0.007 / seconds);
  EXPECT_GE(phase_shares(profile, seconds).at("backward"), 0.005 / seconds);
  EXPECT_GE(part_shares(profile, seconds).at("network"), 0.008 / seconds);
  EXPECT_EQ(part_shares(profile, seconds).count("backward"), 0U);
}

TEST(ProfileView, TheLargestPartComesFirst) {
  Profile profile;
  const auto rows = profile_rows(profile, step(profile));
  ASSERT_EQ(rows.rows.size(), 4U);
  EXPECT_EQ(rows.rows[0][0], Value("network"));
  EXPECT_EQ(rows.rows[1][0], Value("router"));
  EXPECT_EQ(rows.rows[1][1], Value(int64_t{1}));
  EXPECT_GE(*rows.rows[0][3].if_real(), 5);  // what autograd did for nobody
}

}  // namespace
}  // namespace heterodyne::cli::profile_view_test
