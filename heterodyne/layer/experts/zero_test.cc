#include <gtest/gtest.h>

#include "heterodyne/layer/fixtures.h"

namespace heterodyne::zero_test {
namespace {

TEST(ZeroExpert, AnswersZerosAndIsNull) {
  const auto expert = experts().make(Member(Table{{"kind", "zero"}}), ExpertContext{4, 3, 0, {1, "e"}});
  const auto x = torch::ones({2, 4});
  EXPECT_TRUE(torch::equal(expert->forward({x, torch::arange(2), x.unsqueeze(0), {}, {}}), torch::zeros({2, 3})));
  EXPECT_EQ(expert->parameters().size(), 0U);
  EXPECT_TRUE(experts().find("zero").is_null);
}

}  // namespace
}  // namespace heterodyne::zero_test
