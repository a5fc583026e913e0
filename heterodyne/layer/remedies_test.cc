#include "heterodyne/layer/remedies.h"

#include <gtest/gtest.h>

namespace heterodyne::remedies_test {
namespace {

using Remedies = std::vector<std::string>;

TEST(Remedies, NameTheSettingsThatTheLayerHas) {
  const Table moe{{"router", Table{{"kind", "top_k"}, {"noise", "none"}}},
                  {"balancers", Array{Table{{"kind", "z_loss"}, {"weight", 0.001}},
                                      Table{{"kind", "switch_loss"}, {"weight", 0.02}}}}};
  EXPECT_EQ(remedies_for_uneven_load(moe),
            (Remedies{"a larger model.moe.balancers.1.weight (0.02 now)", "model.moe.router.noise = \"gumbel\""}));
  EXPECT_EQ(remedy_sentence(moe),
            "Try a larger model.moe.balancers.1.weight (0.02 now) or model.moe.router.noise = \"gumbel\".");
}

TEST(Remedies, NoiseThatIsThereCanBeLarger) {
  const Table moe{{"router", Table{{"kind", "top_k"}, {"noise", "gaussian"}, {"noise_scale", 0.5}}}};
  const auto remedies = remedies_for_uneven_load(moe);
  EXPECT_EQ(remedies.back(), "a larger model.moe.router.noise_scale (0.5 now)");
}

TEST(Remedies, ABalancerThatIsMissingCanBeAdded) {
  const Table moe{{"router", Table{{"kind", "random"}}}, {"balancers", Array{Table{{"kind", "z_loss"}}}}};
  EXPECT_EQ(remedies_for_uneven_load(moe), Remedies{"model.moe.balancers = [{ kind = \"switch_loss\" }]"});
  EXPECT_EQ(remedies_for_uneven_load({}), Remedies{"model.moe.balancers = [{ kind = \"switch_loss\" }]"});
}

TEST(Remedies, SettingsOfUnknownKindsAreLeftAlone) {
  const Table moe{{"router", Table{{"kind", "of_tomorrow"}}}, {"balancers", Array{Table{{"kind", 3}}, "text"}}};
  EXPECT_EQ(remedy_sentence(moe), "Try model.moe.balancers = [{ kind = \"switch_loss\" }].");
}

}  // namespace
}  // namespace heterodyne::remedies_test
