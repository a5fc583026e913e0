#include "heterodyne/ops/compact/compact_matrix.h"

#include <ATen/Parallel.h>
#include <ATen/ops/linear.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/ops/compact/compact_matrix_cpu.h"
#include "heterodyne/ops/isa.h"
#include "heterodyne/ops/tile_gemm.h"

namespace heterodyne::ops::compact_matrix_test {
namespace {

torch::Tensor draw(const char* name, torch::IntArrayRef sizes) { return RandomStream(name).normal({5, 1}, sizes); }

// Of the expected norm; 0 when there is nothing.
double distance(const torch::Tensor& got, const torch::Tensor& expected) {
  const double size = expected.norm().item<double>();
  return size == 0 ? 0 : (got.to(torch::kFloat64) - expected).norm().item<double>() / size;
}

// What the header says, written with LibTorch's operators.
torch::Tensor reference(const torch::Tensor& matrix_OI, Compact format) {
  if (format == Compact::kBf16) return matrix_OI.to(torch::kBFloat16).to(torch::kFloat32);
  std::vector<torch::Tensor> parts;
  const int64_t step = format == Compact::kInt8 ? 32 : std::max<int64_t>(matrix_OI.size(1), 1);
  for (int64_t first = 0; first < matrix_OI.size(1); first += step) {
    const auto part = matrix_OI.narrow(1, first, std::min(step, matrix_OI.size(1) - first));
    auto scale = part.abs().amax(1, true) / 127;
    if (format == Compact::kInt8) scale = scale.to(torch::kBFloat16).to(torch::kFloat32);
    parts.push_back((part / scale).nan_to_num().round().clamp(-127, 127) * scale);
  }
  return parts.empty() ? matrix_OI.clone() : torch::cat(parts, 1);
}

// The most by which a product changes when each 32 neighbours of a row become multiples of the largest over `steps`.
torch::Tensor most_by_rounding(const torch::Tensor& x_NI, const torch::Tensor& matrix_OI, int64_t steps) {
  auto sum_NO = torch::zeros({x_NI.size(0), matrix_OI.size(0)}, torch::kFloat64);
  for (int64_t first = 0; first < x_NI.size(1) && x_NI.size(0) > 0; first += 32) {
    const int64_t count = std::min<int64_t>(32, x_NI.size(1) - first);
    const auto half_step_N1 = x_NI.narrow(1, first, count).abs().amax(1, true).to(torch::kFloat64) / (2 * steps);
    sum_NO += half_step_N1 * matrix_OI.narrow(1, first, count).abs().sum(1);
  }
  return sum_NO;
}

struct Size {
  int64_t outputs, inputs;
};
const std::vector<Size> kSizes{{64, 64}, {1, 1}, {37, 100}, {130, 33}, {200, 512}, {16, 31}, {65, 289}, {0, 8}, {8, 0}};

class EveryFormat : public testing::TestWithParam<std::tuple<Isa, Compact>> {
 protected:
  void SetUp() override { set_isa(std::get<0>(GetParam())); }
  void TearDown() override { set_isa(before_); }
  static Compact format() { return std::get<1>(GetParam()); }

 private:
  Isa before_ = isa();
};

INSTANTIATE_TEST_SUITE_P(, EveryFormat,
                         testing::Combine(testing::ValuesIn(available_isas()), testing::ValuesIn(compact_formats())),
                         [](const auto& each) {
                           return std::string(name_of(std::get<0>(each.param))) + "_" +
                                  std::string(name_of(std::get<1>(each.param)));
                         });

TEST_P(EveryFormat, StandsForWhatItSays) {
  for (const auto& [O, I] : kSizes) {
    const auto matrix_OI = draw("matrix", {O, I});
    if (O > 1 && I > 40) matrix_OI[1].narrow(0, 0, 40).zero_();
    const auto compact = compacted(matrix_OI, format());
    const auto found = expanded(*compact);
    ASSERT_EQ(found.sizes(), matrix_OI.sizes());
    EXPECT_TRUE(torch::allclose(found, reference(matrix_OI, format()), 1e-6, 1e-9)) << O << " x " << I;
    const auto index = torch::arange(O).flip(0).view({1, O});
    EXPECT_TRUE(torch::equal(expanded_rows(*compact, index), found.flip(0).view({1, O, I}))) << O << " x " << I;
  }
}

TEST_P(EveryFormat, MultipliesAsWhatItStandsFor) {
  for (const auto& [O, I] : kSizes) {
    const auto compact = compacted(draw("matrix", {O, I}), format());
    const auto expected_OI = expanded(*compact).to(torch::kFloat64);
    const auto bias_O = draw("bias", {O});
    for (const int64_t N : {0, 1, 2, 3, 4, 5, 7, 24, 25, 65, 300}) {
      const auto x_NI = draw("x", {N, I});
      const auto expected = x_NI.to(torch::kFloat64).matmul(expected_OI.t());
      // Where bfloat16 is multiplied, rows are rounded to it: 2^-9 each, of sums of I products.
      const auto rounding = internal::rounding_of(format(), N);
      const bool is_rounded = rounding == internal::Rounding::kBf16;
      auto tolerance_NO = torch::full({N, O}, std::sqrt(static_cast<double>(I)) * (is_rounded ? 2e-2 : 2e-5) + 1e-6);
      if (rounding == internal::Rounding::kWhole) tolerance_NO += most_by_rounding(x_NI, expected_OI, 32767);
      if (rounding == internal::Rounding::kByte) tolerance_NO += most_by_rounding(x_NI, expected_OI, 127);
      for (const bool has_bias : {false, true}) {
        const auto y = compact_product(x_NI, *compact, has_bias ? bias_O : torch::Tensor());
        ASSERT_EQ(y.sizes(), (std::vector<int64_t>{N, O}));
        if (y.numel() == 0) continue;
        const auto difference = (y - expected - (has_bias ? bias_O : torch::zeros({O}))).abs();
        EXPECT_TRUE((difference <= tolerance_NO).all().item<bool>()) << N << " rows, " << O << " x " << I;
      }
    }
  }
}

TEST_P(EveryFormat, NaNAndInfinityDoNotVanish) {
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    auto matrix_OI = draw("matrix", {70, 97});
    matrix_OI[3][50] = odd;
    matrix_OI[69][96] = odd;
    const auto compact = compacted(matrix_OI, format());
    for (const int64_t N : {1, 3, 5, 9}) {
      const auto is_finite = compact_product(draw("x", {N, 97}), *compact).isfinite();
      EXPECT_FALSE(is_finite.select(1, 3).any().item<bool>()) << odd;
      EXPECT_FALSE(is_finite.select(1, 69).any().item<bool>()) << odd;
      EXPECT_EQ(is_finite.sum().item<int64_t>(), 68 * N) << "no other output";
    }
  }
}

TEST_P(EveryFormat, NaNAndInfinityOfARowStayInIt) {
  const auto compact = compacted(draw("matrix", {70, 97}), format());
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const int64_t N : {1, 3, 5, 9, 30}) {
      auto x_NI = draw("x", {N, 97});
      x_NI[N - 1][40] = odd;
      const auto is_finite = compact_product(x_NI, *compact).isfinite();
      EXPECT_FALSE(is_finite[N - 1].any().item<bool>()) << odd;
      EXPECT_EQ(is_finite.sum().item<int64_t>(), 70 * (N - 1)) << "no other row";
    }
  }
}

// Each 32 neighbours have a scale of their own, so small ones beside large ones keep their digits, but for the
// smallest.
TEST_P(EveryFormat, SmallNeighboursOfARowKeepTheirDigits) {
  const auto compact = compacted(draw("matrix", {64, 64}), format());
  for (const double factor : {1e-12, 1e-31}) {
    auto small_NI = draw("x", {2, 64});
    small_NI.narrow(1, 32, 32).mul_(factor);
    EXPECT_TRUE(compact_product(small_NI, *compact).isfinite().all().item<bool>());
    small_NI.narrow(1, 0, 32).zero_();
    const auto y = compact_product(small_NI, *compact).to(torch::kFloat64);
    const auto expected = small_NI.to(torch::kFloat64).matmul(expanded(*compact).to(torch::kFloat64).t());
    EXPECT_TRUE(torch::allclose(y, expected, 1e-3, 1e-3 * factor + 1e-29)) << factor;
  }
}

// Values that step by the 32,767th part of the largest, and zeros: sums of whole numbers are exact.
TEST(CompactMatrix, RowsOfWholeNumbersAreMultipliedExactly) {
  const auto matrix_OI = (draw("whole", {64, 64}) * 30).round().clamp(-126, 126);
  for (int64_t i : {0, 32}) matrix_OI.select(1, i).fill_(127);  // a scale of one
  auto x_NI = (draw("rows", {3, 64}) * 9000).round().clamp(-32767, 32767);
  x_NI[0].narrow(0, 0, 32).zero_();
  for (int64_t n = 0; n < 3; ++n) x_NI[n][40] = x_NI[n][n == 0 ? 41 : 1] = 32767;
  const auto expected = x_NI.to(torch::kFloat64).matmul(matrix_OI.to(torch::kFloat64).t()).to(torch::kFloat32);
  for (const Isa path : available_isas()) {
    const Isa before = isa();
    set_isa(path);
    EXPECT_TRUE(torch::allclose(compact_product(x_NI, *compacted(matrix_OI, Compact::kInt8)), expected, 2e-7, 0.5))
        << name_of(path);
    set_isa(before);
  }
}

// The same of bytes, for any group of rows.
TEST(CompactMatrix, RowsOfBytesAreMultipliedExactly) {
  const Isa before = isa();
  set_isa(available_isas().back());
  const auto matrix_OI = (draw("whole", {128, 352}) * 30).round().clamp(-126, 126);
  for (int64_t i = 0; i < 352; i += 32) matrix_OI.select(1, i).fill_(127);  // a scale of one
  const auto compact = compacted(matrix_OI, Compact::kInt8);
  for (int64_t N = 4; N <= 20 && internal::rounding_of(Compact::kInt8, N) == internal::Rounding::kByte; ++N) {
    auto x_NI = (draw("rows", {N, 352}) * 40).round().clamp(-127, 127);
    for (int64_t i = 1; i < 352; i += 32) x_NI.select(1, i).fill_(-127);
    const auto expected = x_NI.to(torch::kFloat64).matmul(matrix_OI.to(torch::kFloat64).t()).to(torch::kFloat32);
    EXPECT_TRUE(torch::allclose(compact_product(x_NI, *compact), expected, 3e-7, 0.1)) << N;
  }
  set_isa(before);
}

// Many rows of whole numbers where a unit for tiles multiplies bfloat16.
TEST(CompactMatrix, WholeNumbersAreMultipliedAsBfloat16WhereRowsAreRoundedToIt) {
  if (!has_bf16_tiles()) GTEST_SKIP() << "no products of bfloat16 here";
  const int64_t N = 30, O = 70, I = 97, size = internal::rounded_size(internal::Rounding::kBf16, I);
  const auto compact = compacted(draw("matrix", {O, I}), Compact::kInt8);
  const auto x_NI = draw("x", {N, I}), rounded = torch::empty({N, size}), y_NO = torch::empty({N, O});
  internal::round_rows(internal::Rounding::kBf16, {x_NI.const_data_ptr<float>(), I, N, I}, rounded.data_ptr<float>());
  std::vector<float> work(internal::kCompactWork / sizeof(float));
  for (int64_t p = 0; p < 2; ++p) {
    internal::compact_gemm(
        internal::panel_of(*compact, p),
        {nullptr, I, N, y_NO.data_ptr<float>() + 64 * p, O, internal::Rounding::kBf16, rounded.const_data_ptr<float>()},
        work.data());
  }
  EXPECT_LE(distance(y_NO, x_NI.to(torch::kFloat64).matmul(expanded(*compact).to(torch::kFloat64).t())), 0.01);
}

TEST_P(EveryFormat, OneThreadGivesTheBitsOfTwo) {
  const auto compact = compacted(draw("matrix", {300, 257}), format());
  const auto x_NI = draw("x", {33, 257});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = compact_product(x_NI, *compact);
  at::set_num_threads(2);
  const auto two = compact_product(x_NI, *compact);
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(one, two));
}

// 2,100 outputs are more than one slab.
TEST_P(EveryFormat, RowsGetTheGradientOfWhatTheMatrixStandsFor) {
  const std::vector<std::array<int64_t, 3>> sizes{{5, 37, 70}, {40, 64, 2100}, {0, 9, 8}, {1, 1, 1}};
  for (const auto& [N, I, O] : sizes) {
    const auto compact = compacted(draw("matrix", {O, I}), format());
    const auto dy_NO = draw("dy", {N, O}), bias_O = draw("bias", {O});
    auto x_NI = draw("x", {N, I}).requires_grad_();
    const auto y_NO = compact_product(x_NI, *compact, bias_O);
    EXPECT_TRUE(torch::equal(y_NO.detach(), compact_product(x_NI.detach(), *compact, bias_O)));
    y_NO.backward(dy_NO);
    const auto expected = dy_NO.to(torch::kFloat64).matmul(expanded(*compact).to(torch::kFloat64));
    EXPECT_TRUE(torch::allclose(x_NI.grad().to(torch::kFloat64), expected, 1e-4, 1e-4 * std::sqrt(O))) << N << " " << O;
  }
}

// What learns in the matrix's place gets the gradient of an unrounded product, with and without the others; where rows
// were rounded to bfloat16, so are both factors of both gradients.
TEST_P(EveryFormat, WhatLearnsInItsPlaceGetsTheGradientOfTheProduct) {
  const std::vector<std::array<int64_t, 3>> sizes{{5, 37, 70}, {40, 64, 130},  {0, 9, 8},
                                                  {1, 1, 1},   {257, 129, 65}, {40, 3, 1}};
  for (const auto& [N, I, O] : sizes) {
    auto learning_OI = draw("matrix", {O, I}).requires_grad_(), bias_O = draw("bias", {O}).requires_grad_();
    const auto compact = compacted(learning_OI, format());
    const auto x_NI = draw("x", {N, I}), dy_NO = draw("dy", {N, O});
    for (const bool has_bias : {false, true}) {
      for (const bool wants_x : {false, true}) {
        const auto x = x_NI.clone().requires_grad_(wants_x);
        learning_OI.mutable_grad() = bias_O.mutable_grad() = torch::Tensor();
        compact_product(x, *compact, has_bias ? bias_O : torch::Tensor(), learning_OI).backward(dy_NO);
        const auto expected = dy_NO.t().to(torch::kFloat64).matmul(x_NI.to(torch::kFloat64));
        const bool is_rounded = internal::rounding_of(format(), N) == internal::Rounding::kBf16;
        const double tolerance = is_rounded && format() == Compact::kBf16 ? 0.01 : 1e-6;
        EXPECT_LE(distance(learning_OI.grad(), expected), tolerance) << N << " " << O;
        ASSERT_EQ(x.grad().defined(), wants_x);
        if (wants_x) {
          const auto of_rows = dy_NO.to(torch::kFloat64).matmul(expanded(*compact).to(torch::kFloat64));
          EXPECT_LE(distance(x.grad(), of_rows), tolerance) << N << " " << O;
        }
        ASSERT_EQ(bias_O.grad().defined(), has_bias);
        if (has_bias) {
          EXPECT_TRUE(torch::allclose(bias_O.grad(), dy_NO.sum(0), 1e-4, 1e-5));
        }
      }
    }
  }
  EXPECT_THROW(compact_product(draw("x", {2, 4}), *compacted(draw("m", {3, 4}), format()), {}, draw("l", {4, 3})),
               ShapeError);
}

TEST(CompactMatrix, TheTransposeIsThatOfTheTransposedMatrix) {
  for (const auto& [I, O] : std::vector<std::pair<int64_t, int64_t>>{{37, 70}, {64, 64}, {129, 1}, {1, 65}, {0, 3}}) {
    const auto matrix_IO = draw("matrix", {I, O});
    const auto got = compacted_transpose(matrix_IO), expected = compacted(matrix_IO.t().contiguous(), Compact::kBf16);
    EXPECT_EQ(got->outputs, O);
    EXPECT_EQ(got->inputs, I);
    EXPECT_TRUE(torch::equal(got->values, expected->values)) << I << " " << O;
  }
  EXPECT_THROW(compacted_transpose(torch::zeros({3, 3}, torch::kFloat64)), ShapeError);
}

TEST(CompactMatrix, Bf16GivesItsValuesBack) {
  const auto matrix_OI = draw("matrix", {2100, 37});
  const auto compact = compacted(matrix_OI, Compact::kBf16);
  const auto values = rounded_values(*compact);
  EXPECT_TRUE(torch::equal(values, matrix_OI.to(torch::kBFloat16)));
  EXPECT_TRUE(torch::equal(expanded(*compacted(values.to(torch::kFloat32), Compact::kBf16)), expanded(*compact)));
  EXPECT_THROW(rounded_values(*compacted(matrix_OI, Compact::kInt8)), Error);
}

TEST(CompactMatrix, TakesAHalfOrAQuarter) {
  const auto matrix_OI = draw("matrix", {640, 512});
  const int64_t bytes = 4 * matrix_OI.numel();
  EXPECT_EQ(compacted(matrix_OI, Compact::kBf16)->num_bytes(), bytes / 2);
  EXPECT_EQ(compacted(matrix_OI, Compact::kInt8)->num_bytes(), bytes / 4 + bytes / 64) << "2 bytes for each 32";
  EXPECT_EQ(compacted(matrix_OI, Compact::kInt8Columns)->num_bytes(), bytes / 4 + 4 * 640);
}

// The largest of a row's 32 inputs is 127 steps: a step of 0.5 has them to a quarter.
TEST(CompactMatrix, StepsAreThoseOfTheNeighbours) {
  auto matrix_OI = torch::full({1, 64}, 0.3F);
  matrix_OI[0][0] = 63.5F;
  matrix_OI[0][32] = -127;
  const auto found = expanded(*compacted(matrix_OI, Compact::kInt8));
  EXPECT_EQ(found[0][0].item<float>(), 63.5F);
  EXPECT_EQ(found[0][1].item<float>(), 0.5F);
  EXPECT_EQ(found[0][32].item<float>(), -127);
  EXPECT_EQ(found[0][33].item<float>(), 0) << "0.3 of a step of 1";
  EXPECT_EQ(expanded(*compacted(matrix_OI, Compact::kInt8Columns))[0][1].item<float>(), 0);
}

TEST(CompactMatrix, RefusesOtherShapesAndTypes) {
  EXPECT_THROW(compacted(torch::zeros({3}), Compact::kBf16), ShapeError);
  EXPECT_THROW(compacted(torch::zeros({3, 3}, torch::kFloat64), Compact::kBf16), ShapeError);
  const auto compact = compacted(torch::zeros({3, 2}), Compact::kInt8);
  EXPECT_THROW(compact_product(torch::zeros({1, 3}), *compact), ShapeError);
  EXPECT_THROW(compact_product(torch::zeros({1, 2}, torch::kFloat64), *compact), ShapeError);
  EXPECT_THROW(compact_product(torch::zeros({1, 2}), *compact, torch::zeros({2})), ShapeError);
}

}  // namespace
}  // namespace heterodyne::ops::compact_matrix_test
