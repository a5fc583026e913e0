#include "heterodyne/io/safetensors.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::safetensors_test {
namespace {

using fixtures::message_of;
using fixtures::TemporaryFolder;

// Written by hand from the format's description: 64 bytes of header, then 1.0, -2.0 in float32 and 3, 4 in int16.
const std::string kGolden =
    std::string("\x70\0\0\0\0\0\0\0", 8) +
    R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"I16","shape":[2],"data_offsets":[8,12]}} )"
    " " +
    std::string("\0\0\x80\x3f\0\0\0\xc0\3\0\4\0", 12);

TEST(Safetensors, ReadsHandWrittenBytes) {
  const TemporaryFolder folder;
  const SafetensorsFile file(folder.put("f", kGolden));
  EXPECT_EQ(file.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(file.contains("a"));
  EXPECT_FALSE(file.contains("c"));
  EXPECT_TRUE(torch::equal(file.tensor("a"), torch::tensor({{1.0F, -2.0F}})));
  EXPECT_TRUE(torch::equal(file.tensor("b"), torch::tensor({3, 4}, torch::kInt16)));
  EXPECT_EQ(file.info("b").begin, kGolden.size() - 4);
  EXPECT_TRUE(file.metadata().empty());
}

TEST(Safetensors, WritesTheSameBytes) {
  const TemporaryFolder folder;
  write_safetensors(folder / "f", {{"b", torch::tensor({3, 4}, torch::kInt16)}, {"a", torch::tensor({{1.0F, -2.0F}})}});
  EXPECT_EQ(read_file(folder / "f"), kGolden);
}

TEST(Safetensors, EveryDtypeReadsBackEqual) {
  const TemporaryFolder folder;
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  const auto numbers = torch::arange(-3, 12).reshape({3, 5});
  for (const auto dtype : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                           torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    tensors.emplace_back(std::string("whole ") + torch::toString(dtype), numbers.to(dtype));
    tensors.emplace_back(std::string("strided ") + torch::toString(dtype), numbers.to(dtype).t().slice(0, 1, 4));
    tensors.emplace_back(std::string("one ") + torch::toString(dtype), torch::ones({}, dtype));
    tensors.emplace_back(std::string("none ") + torch::toString(dtype), torch::empty({4, 0, 2}, dtype));
  }
  write_safetensors(folder / "f", tensors, Table{{"epoch", "3"}});
  const SafetensorsFile file(folder / "f");
  EXPECT_EQ(file.names().size(), tensors.size());
  EXPECT_EQ(file.metadata(), (Table{{"epoch", "3"}}));
  for (const auto& [name, tensor] : tensors) {
    const auto back = file.tensor(name);
    EXPECT_EQ(back.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(back.sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(back.is_contiguous()) << name;
    EXPECT_TRUE(torch::equal(back, tensor)) << name;
  }
}

// 128 and all numbers below have at most 8 binary digits, 257 has 9.
TEST(Safetensors, TheShortestFormLosesNothing) {
  const TemporaryFolder folder;
  const float infinity = std::numeric_limits<float>::infinity();
  auto exact = torch::arange(1 << 16).remainder(129).to(torch::kFloat32).view({256, 256});
  exact[0][0] = -0.0F, exact[0][1] = infinity, exact[0][2] = std::numeric_limits<float>::quiet_NaN();
  auto inexact = exact.clone();
  inexact[255][255] = 257;
  const auto small = exact.slice(0, 0, 255), doubles = exact.to(torch::kFloat64);
  const std::vector<std::pair<std::string, torch::Tensor>> tensors{
      {"exact", exact}, {"transposed", exact.t()}, {"inexact", inexact}, {"small", small}, {"doubles", doubles}};
  write_safetensors(folder / "f", tensors, {}, Float32Form::kShortest);
  const SafetensorsFile file(folder / "f");
  for (const auto& [name, tensor] : tensors) {
    const bool is_short = name == "exact" || name == "transposed";
    EXPECT_EQ(file.info(name).dtype, is_short ? torch::kBFloat16 : tensor.scalar_type()) << name;
    const auto back = file.tensor(name).to(tensor.scalar_type()), as_it_was = tensor.contiguous();
    const auto bits = tensor.scalar_type() == torch::kFloat64 ? torch::kInt64 : torch::kInt32;
    EXPECT_TRUE(torch::equal(back.view(bits), as_it_was.view(bits))) << name;
  }
  write_safetensors(folder / "g", tensors);
  EXPECT_EQ(SafetensorsFile(folder / "g").info("exact").dtype, torch::kFloat32);
}

TEST(Safetensors, ATensorOutlivesItsFile) {
  const TemporaryFolder folder;
  torch::Tensor tensor;
  {
    const SafetensorsFile file(folder.put("f", kGolden));
    tensor = file.tensor("a");
  }
  std::filesystem::remove(folder / "f");
  EXPECT_EQ(tensor[0][1].item<float>(), -2.0F);
}

TEST(Safetensors, WritingIntoAViewLeavesTheFileAlone) {
  const TemporaryFolder folder;
  const std::string path = folder.put("f", kGolden);
  const SafetensorsFile file(path);
  file.tensor("a").fill_(5.0);
  EXPECT_EQ(file.tensor("a")[0][0].item<float>(), 5.0F) << "no copy was made";
  EXPECT_EQ(read_file(path), kGolden);
}

TEST(Safetensors, ReadsValuesAtOddAddresses) {
  const TemporaryFolder folder;
  std::string odd = kGolden;
  odd[0] = '\x6f';  // one byte of padding less
  odd.erase(8 + 0x6f, 1);
  const SafetensorsFile file(folder.put("f", odd));
  EXPECT_TRUE(torch::equal(file.tensor("a"), torch::tensor({{1.0F, -2.0F}})));
  EXPECT_TRUE(torch::equal(file.tensor("b"), torch::tensor({3, 4}, torch::kInt16)));
}

TEST(Safetensors, AFlagIsZeroOrOne) {
  const TemporaryFolder folder;
  write_safetensors(folder / "f", {{"mask", torch::tensor({true, false, true})}});
  std::string bytes = read_file(folder / "f");
  bytes.back() = '\x02';
  const SafetensorsFile file(folder.put("g", bytes));
  EXPECT_EQ(message_of<FormatError>([&] { file.tensor("mask"); }),
            folder / "g" + ": byte " + std::to_string(bytes.size() - 1) +
                ": tensor \"mask\": expected a BOOL of 0 or 1, got 2");
}

TEST(Safetensors, ErrorsNameTheFile) {
  const TemporaryFolder folder;
  const SafetensorsFile file(folder.put("f", kGolden));
  EXPECT_EQ(message_of<FormatError>([&] { file.tensor("aa"); }), folder / "f" + ": no tensor \"aa\"; nearest: \"a\"");
  EXPECT_EQ(message_of<FormatError>([&] { SafetensorsFile missing(folder / "g"); }),
            folder / "g" + ": cannot be read: No such file or directory");
  EXPECT_EQ(message_of<FormatError>([&] { SafetensorsFile empty(folder.put("e", "")); }),
            folder / "e" + ": byte 0: expected a header length of 8 bytes, got 0");
  EXPECT_THROW(SafetensorsFile(folder.path()), FormatError);
  EXPECT_EQ(message_of<ShapeError>(
                [&] { write_safetensors(folder / "h", {{"z", torch::zeros({1}, torch::kComplexFloat)}}); }),
            "tensor \"z\": safetensors holds F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL, got ComplexFloat");
  EXPECT_EQ(list_folder(folder.path()), (std::vector<std::string>{"e", "f"})) << "nothing stays of a failed write";
}

TEST(Safetensors, DamageIsReadOrRefused) {
  const TemporaryFolder folder;
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < 2000; ++i) {
    std::string damaged = kGolden;
    if (i < damaged.size()) {
      damaged.resize(i);
    } else {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    try {
      const SafetensorsFile file(folder.put("f", damaged));
      for (const auto& name : file.names()) ASSERT_NO_THROW(file.tensor(name).sum()) << "seed " << seed;
    } catch (const FormatError&) {
    }
  }
}

// The reference library, safetensors 0.4 and later, wrote these files: what is read from one and written again is the
// same file to the byte.
TEST(Safetensors, GivesTheReferenceLibrarysBytes) {
  const auto golden = fixtures::find_real_data("golden_hf");
  if (!golden) GTEST_SKIP() << "skipped: no data";
  const TemporaryFolder folder;
  int num_files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*golden)) {
    if (entry.path().extension() != ".safetensors") continue;
    const SafetensorsFile file(entry.path().string());
    std::vector<std::pair<std::string, torch::Tensor>> tensors;
    for (const auto& name : file.names()) tensors.emplace_back(name, file.tensor(name));
    write_safetensors(folder / "f", tensors, file.metadata());
    EXPECT_TRUE(read_file(folder / "f") == read_file(entry.path().string())) << entry.path();
    ++num_files;
  }
  EXPECT_GE(num_files, 30);
}

TEST(Safetensors, ReadsARealModel) {
  const auto path = fixtures::find_real_data("models/stories260K/model.safetensors");
  if (!path) GTEST_SKIP() << "skipped: no data";
  const SafetensorsFile file(*path);
  EXPECT_EQ(file.tensor("model.embed_tokens.weight").sizes(), (std::vector<int64_t>{512, 64}));
  int64_t num_values = 0;
  for (const auto& name : file.names()) {
    const auto tensor = file.tensor(name);
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
    num_values += tensor.numel();
  }
  EXPECT_EQ(num_values, 260032);
}

}  // namespace
}  // namespace heterodyne::io::safetensors_test
