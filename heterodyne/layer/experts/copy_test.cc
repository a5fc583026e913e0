#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::copy_test {
namespace {

TEST(CopyExpert, AnswersWithTheToken) {
  const auto expert = experts().make(Member(Table{{"kind", "copy"}}), ExpertContext{4, 4, 0, {1, "e"}});
  const auto x = fixtures::normal("x", {2, 4});
  EXPECT_TRUE(torch::equal(expert->forward({x, torch::arange(2), x.unsqueeze(0), {}, {}}), x));
  EXPECT_EQ(expert->parameters().size(), 0U);
}

}  // namespace
}  // namespace heterodyne::copy_test
