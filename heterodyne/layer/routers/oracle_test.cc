#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/layer/fixtures.h"

namespace heterodyne::oracle_test {
namespace {

TEST(OracleRouter, TheClassDecides) {
  const auto router = routers().make(Member(Table{{"kind", "oracle"}}), fixtures::router_context(2, 3));
  auto input = fixtures::route_input(torch::zeros({5, 2}));
  input.label_T = torch::tensor({0, 1, 2, 3, 7}, torch::kInt64);
  const auto routing = router->route(input);
  EXPECT_TRUE(torch::equal(fixtures::sent_of(routing).argmax(1), torch::tensor({0, 1, 2, 0, 1}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(routing.weight_N, torch::ones({5})));
}

TEST(OracleRouter, ComplainsWithoutClasses) {
  const auto router = routers().make(Member(Table{{"kind", "oracle"}}), fixtures::router_context(2, 3));
  auto input = fixtures::route_input(torch::zeros({5, 2}));
  input.label_T = torch::Tensor();
  EXPECT_EQ(fixtures::message_of<Error>([&] { router->route(input); }),
            "[layers.0.router] router \"oracle\": expected the class of each example, got none; it works on data with "
            "classes only");
}

}  // namespace
}  // namespace heterodyne::oracle_test
