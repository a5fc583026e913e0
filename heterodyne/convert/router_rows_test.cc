#include "heterodyne/convert/router_rows.h"

#include <gtest/gtest.h>

#include <utility>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/convert/fixtures.h"

namespace heterodyne::router_rows_test {
namespace {

torch::Tensor doubles(std::vector<std::vector<double>> rows) {
  std::vector<torch::Tensor> all;
  for (const auto& row : rows) all.push_back(torch::tensor(row, torch::kFloat64));
  return torch::stack(all);
}

// Domains around (2, 0) and (0, 0), so (1, 0) and (-1, 0) around their mean; neurons 0 and 1 matter to the first
// domain, 2 to the second, 3 to both.
TEST(RouterRows, PointFromOtherDomainsToTheExpertsOwn) {
  const auto map = parse_neuron_map("0\n0\n1\n2\n", 3, "map");
  const auto level_FD = doubles({{3, 1}, {1, 1}, {0, 2}, {5, 5}});
  const auto row_EH = domain_rows(map, level_FD, doubles({{2, 0}, {0, 0}}));
  EXPECT_TRUE(torch::allclose(row_EH, doubles({{1, 0}, {-1, 0}, {0, 0}}))) << row_EH;
}

TEST(RouterRows, WeighDomainsByTheirShare) {
  const auto map = parse_neuron_map("0\n", 1, "map");
  // Shares (.5, .3, .2) less a third: (1/6, -1/30, -2/15), of means that have none in common: 5, -1 and -4 of 30.
  const auto row_EH = domain_rows(map, doubles({{5, 3, 2}}), doubles({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}));
  EXPECT_TRUE(torch::allclose(row_EH, doubles({{5, -1, -4}}) / std::sqrt(42.0))) << row_EH;
}

TEST(RouterRows, OneDomainSaysNothing) {
  const auto map = parse_neuron_map("0\n", 1, "map");
  EXPECT_EQ(fixtures::message_of<Error>([&] { domain_rows(map, doubles({{1}}), doubles({{1, 2}})); }),
            "[convert.build] router_init: expected two domains or more for \"domains\", got 1");
}

TEST(RouterRows, MeansAreThoseOfAllTokensWhateverTheBatches) {
  const auto network = fixtures::small_llama(torch::kFloat64);
  const auto layers = dense_layers_of(*network);
  const auto all = fixtures::text_batch(6, 8);
  const auto means = [&](const std::vector<int64_t>& sizes) {
    size_t i = 0;
    int64_t at = 0;
    return input_means(*network, layers, [&]() -> std::optional<Batch> {
      if (i == sizes.size()) return std::nullopt;
      Batch batch = all;
      batch.inputs = all.inputs.narrow(0, at, sizes[i]), batch.label_B = all.label_B.narrow(0, at, sizes[i]);
      batch.index_B = all.index_B.narrow(0, at, sizes[i]);
      at += sizes[i++];
      return batch;
    });
  };
  const auto whole_LH = means({6});
  EXPECT_EQ(whole_LH.sizes(), (std::vector<int64_t>{2, 8}));
  EXPECT_TRUE(torch::allclose(whole_LH, means({1, 3, 2}), 1e-12, 1e-13));
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::allclose(whole_LH[1], tapped_pass(*network, all, layers).layers[1].input_TH.mean(0)));
  EXPECT_THROW(means({}), Error);
}

TEST(RouterRows, MeansLeavePaddingOut) {
  const auto network = fixtures::small_llama(torch::kFloat64);
  const auto layers = dense_layers_of(*network);
  auto batch = fixtures::text_batch(1, 8);
  const auto mean_of = [&](const Batch& only) {
    bool is_given = false;
    return input_means(*network, layers,
                       [&] { return std::exchange(is_given, true) ? std::nullopt : std::optional(only); });
  };
  auto shorter = batch;
  shorter.inputs = batch.inputs.narrow(1, 0, 5);
  batch.mask_BS = torch::arange(8).lt(5).unsqueeze(0);
  EXPECT_TRUE(torch::allclose(mean_of(batch), mean_of(shorter), 1e-12, 1e-13));
}

}  // namespace
}  // namespace heterodyne::router_rows_test
