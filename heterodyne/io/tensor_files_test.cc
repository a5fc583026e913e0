#include "heterodyne/io/tensor_files.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::io::tensor_files_test {
namespace {

using Names = std::vector<std::string>;

std::string refusal(const std::string& path) {
  return fixtures::message_of<FormatError>([&] { TensorFiles{path}; });
}

TEST(TensorFiles, ReadsOneFile) {
  const fixtures::TemporaryFolder folder;
  write_safetensors(folder / "model.safetensors", {{"b", torch::ones({2})}, {"a", torch::zeros({1})}});
  for (const auto& path : {folder.path(), folder / "model.safetensors"}) {
    const TensorFiles files(path);
    EXPECT_EQ(files.names(), (Names{"a", "b"}));
    EXPECT_TRUE(torch::equal(files.tensor("b"), torch::ones({2})));
    EXPECT_EQ(fixtures::message_of<FormatError>([&] { files.tensor("bb"); }),
              (folder / "model.safetensors") + ": no tensor is called \"bb\"; nearest: \"b\"");
  }
}

TEST(TensorFiles, ReadsSeveralThatAnIndexNames) {
  const fixtures::TemporaryFolder folder;
  write_safetensors(folder / "1.safetensors", {{"a", torch::zeros({1})}});
  write_safetensors(folder / "2.safetensors", {{"b", torch::ones({2})}, {"c", torch::ones({3})}});
  const auto index =
      folder.put("model.safetensors.index.json", R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})");
  const TensorFiles files(folder.path());
  EXPECT_EQ(files.path(), index);
  EXPECT_EQ(files.names(), (Names{"a", "b"}));
  EXPECT_EQ(files.tensor("b").numel(), 2);
}

TEST(TensorFiles, SaysWhatIsMissing) {
  const fixtures::TemporaryFolder folder;
  EXPECT_EQ(refusal(folder.path()),
            folder.path() +
                ": expected model.safetensors, model.safetensors.index.json or pytorch_model.bin in it, got "
                "none of them");
  const std::string index = folder / "model.safetensors.index.json";
  folder.put("model.safetensors.index.json", R"({"weight_map": {"a": "1.safetensors"}})");
  EXPECT_EQ(refusal(index), index + ": weight_map: \"a\": " + (folder / "1.safetensors") + " is missing");
  write_safetensors(folder / "1.safetensors", {{"b", torch::zeros({1})}});
  EXPECT_EQ(refusal(index),
            index + ": weight_map: \"a\": expected it in " + (folder / "1.safetensors") + ", which has no such tensor");
  folder.put("model.safetensors.index.json", R"({"weight_map": {"a": "../x"}})");
  EXPECT_EQ(refusal(index), index + ": weight_map: \"a\": expected the name of a file beside it, got \"../x\"");
}

}  // namespace
}  // namespace heterodyne::io::tensor_files_test
