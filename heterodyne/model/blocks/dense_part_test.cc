#include "heterodyne/model/blocks/dense_part.h"

#include <gtest/gtest.h>

namespace heterodyne::dense_part_test {
namespace {

// An expert of either sort says of each token what it says when nothing is left out, whatever lies in the padding.
TEST(DensePart, AnswersDoNotDependOnPadding) {
  for (const auto& settings : {Table{{"kind", "mlp"}, {"hidden", 5}}, Table{{"kind", "vit_block"}, {"heads", 2}}}) {
    const auto expert = experts().make(Member(settings), ExpertContext{4, 4, 0, Init{1, "expert"}});
    expert->eval();
    const auto x_BSD = torch::randn({2, 3, 4}), mask_BS = torch::tensor({{true, true, false}, {true, false, false}});
    const auto all_TO = expert->forward({x_BSD.flatten(0, 1), torch::arange(6), x_BSD, mask_BS, {}});
    const auto y_BSO = dense_answer(*expert, x_BSD.masked_fill(mask_BS.logical_not().unsqueeze(2), 7), mask_BS, {});
    const auto expected = all_TO.view({2, 3, 4}) * mask_BS.unsqueeze(2);
    EXPECT_TRUE(torch::allclose(y_BSO, expected, 1e-5, 1e-6)) << expert->name();
  }
}

}  // namespace
}  // namespace heterodyne::dense_part_test
