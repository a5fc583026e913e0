#include "heterodyne/ops/isa.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/ops/tile_gemm.h"

namespace heterodyne::ops::isa_test {
namespace {

TEST(Isa, TheWidestIsUsedUnlessAnotherIsAskedFor) {
  const Isa before = isa();
  const auto all = available_isas();
  ASSERT_GE(all.size(), 2U);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  for (const Isa each : all) {
    set_isa(each);
    EXPECT_EQ(isa(), each);
    EXPECT_EQ(isa_of(std::string(name_of(each)), "HETERODYNE_ISA"), each);
  }
  set_isa(before);
}

TEST(Isa, JitTilesNeedTheLibrary) {
  const auto all = available_isas();
  EXPECT_TRUE(has_jit_tiles() || all.back() == Isa::kGeneric);
}

TEST(Isa, AnUnknownNameIsRefused) {
  try {
    isa_of("avx1024", "HETERODYNE_ISA");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "HETERODYNE_ISA: expected one of plain, generic, avx2, avx512, got \"avx1024\"");
  }
}

TEST(Isa, AnUnavailableOneIsRefused) {
  const auto all = available_isas();
  if (std::find(all.begin(), all.end(), Isa::kAvx512) != all.end()) GTEST_SKIP() << "skipped: this machine has all";
  EXPECT_THROW(set_isa(Isa::kAvx512), DeviceError);
}

}  // namespace
}  // namespace heterodyne::ops::isa_test
