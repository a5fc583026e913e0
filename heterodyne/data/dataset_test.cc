// What every data set promises. A new member is tested without an edit here, where its files are found.
#include "heterodyne/data/dataset.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>
#include <unordered_set>

#include "heterodyne/base/error.h"
#include "heterodyne/data/fixtures.h"

namespace heterodyne::dataset_test {
namespace {

constexpr double kValidation = 0.1;
constexpr std::array kSplits = {Split::kTrain, Split::kValid, Split::kTest};

bool has_setting(const std::string& kind, const std::string& name) {
  for (const auto& field : datasets().schema(kind).list()) {
    if (field.name == name) return true;
  }
  return false;
}

// A text that is nothing but long enough.
std::string text_path() {
  static const fixtures::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(i * i) + (i % 7 == 0 ? "\n" : " ");
  static const std::string path = folder.put("text.txt", text);
  return path;
}

// Texts of two classes, each of twelve words.
std::string classified_path() {
  static const fixtures::TemporaryFolder folder;
  std::string lines;
  for (int i = 0; i < 200; ++i) {
    lines += i % 2 == 0 ? "a" : "b";
    for (int word = 0; word < 12; ++word) lines += (word == 0 ? "," : " ") + std::to_string(i * word);
    lines += "\n";
  }
  static const std::string path = folder.put("texts.csv", lines);
  return path;
}

// Pairs of texts of twelve words each, with a class.
std::string pairs_path() {
  static const fixtures::TemporaryFolder folder;
  std::string lines = "text\tother\tclass\n";
  for (int i = 0; i < 200; ++i) {
    for (int word = 0; word < 24; ++word)
      lines += (word == 0 ? "" : word == 12 ? "\t" : " ") + std::to_string(i * word);
    lines += i % 2 == 0 ? "\ta\n" : "\tb\n";
  }
  static const std::string path = folder.put("pairs.tsv", lines);
  return path;
}

// Two hundred questions with answers of different lengths.
std::string questions_path() {
  static const fixtures::TemporaryFolder folder;
  std::string lines;
  for (int i = 0; i < 200; ++i) {
    lines += R"({"instruction": "Count to )" + std::to_string(i) + R"(.", "output": ")";
    for (int number = 1; number <= 1 + i % 9; ++number) lines += std::to_string(number) + " ";
    lines += "\"}\n";
  }
  static const std::string path = folder.put("questions.jsonl", lines);
  return path;
}

// Forty pictures of each of two classes in each of two domains, no two alike in a domain.
std::string pictures_path() {
  static const fixtures::TemporaryFolder folder;
  static const bool is_put = [] {
    for (const char* domain : {"photo", "sketch"}) fixtures::put_classes(folder, domain, 40);
    return true;
  }();
  static_cast<void>(is_put);
  return folder.path();
}

Table settings_of(const std::string& kind) {
  Table settings{{"kind", kind}, {"batch", 32}};
  if (has_setting(kind, "fields.label")) {
    settings.set("path", classified_path());
    settings.set("test_path", classified_path());
    settings.set("classes", Array{"a", "b"});
    settings.set("length", 8);
    return settings;
  }
  if (has_setting(kind, "fit") && has_setting(kind, "classes")) {
    const bool has_domains = has_setting(kind, "held_out");
    settings.set("path", pictures_path() + (has_domains ? "" : "/photo"));
    settings.set(has_domains ? "held_out" : "test_path", has_domains ? "sketch" : pictures_path() + "/sketch");
    settings.set("classes", Array{"cat", "dog"});
    settings.set("size", 4);
    return settings;
  }
  if (has_setting(kind, "second_text")) {
    for (const char* key : {"path", "test_path"}) settings.set(key, pairs_path());
    for (const auto& [key, column] : {std::pair("text", "text"), {"second_text", "other"}, {"label", "class"}})
      settings.set(key, column);
    settings.set("classes", Array{"a", "b"});
    settings.set("length", 8);
    return settings;
  }
  if (has_setting(kind, "path"))
    settings.set("path", has_setting(kind, "instruction") ? questions_path() : text_path());
  if (has_setting(kind, "allow_partial")) settings.set("allow_partial", true);
  return settings;
}

std::unique_ptr<Dataset> make(const std::string& kind) {
  DataContext context{.folders = {"/usr/share/datasets"}, .validation = kValidation, .log = {}, .batch = 2};
  if (const auto real = fixtures::find_real_data("")) context.folders.push_back(*real);
  try {
    return datasets().make(Member(settings_of(kind)), context);
  } catch (const FormatError& error) {
    if (std::string(error.what()).find("not found") == std::string::npos) throw;
    return nullptr;
  }
}

// Real sets take seconds to read, so each is made once for all tests.
const Dataset* shared(const std::string& kind) {
  static std::map<std::string, std::unique_ptr<Dataset>> made;
  const auto [place, is_new] = made.try_emplace(kind);
  if (is_new) place->second = make(kind);
  return place->second.get();
}

class DatasetContract : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    dataset_ = shared(GetParam());
    if (dataset_ == nullptr) GTEST_SKIP() << "skipped: no data";
  }
  const DatasetKind& kind() const { return datasets().find(GetParam()); }
  // A text's examples have no class, and nobody knows how many there are before it is read.
  bool is_text() const { return dataset_->shape().is_text(); }

  // Places spread over the split, the last one among them.
  torch::Tensor some_places(Split split) const {
    const int64_t size = dataset_->size(split);
    const int64_t step = std::max<int64_t>(size / 97, 1);
    return size - 1 - torch::arange(0, size, step);
  }

  const Dataset* dataset_ = nullptr;
};

TEST_P(DatasetContract, ItsShapeIsThatOfItsKind) {
  const DataShape expected = kind().shape(settings_of(GetParam()), {});
  const DataShape shape = dataset_->shape();
  EXPECT_EQ(shape.channels, expected.channels);
  EXPECT_EQ(shape.height, expected.height);
  EXPECT_EQ(shape.width, expected.width);
  EXPECT_EQ(shape.is_text(), expected.is_text());
  EXPECT_EQ(shape.is_paired(), expected.is_paired());
  if (is_text()) return;
  EXPECT_EQ(shape.num_classes, expected.num_classes);
  const auto& names = dataset_->class_names();
  EXPECT_EQ(static_cast<int64_t>(names.size()), shape.num_classes);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

TEST_P(DatasetContract, SizesAddUp) {
  if (is_text()) GTEST_SKIP() << "a text";
  const int64_t num_train = kind().num_train(settings_of(GetParam()), {});
  const int64_t found = dataset_->size(Split::kTrain) + dataset_->size(Split::kValid);
  if (num_train == 0) {
    EXPECT_GT(found, 0) << "how many is not known before they are seen";
  } else if (has_setting(GetParam(), "allow_partial")) {
    EXPECT_LE(found, num_train);
  } else {
    EXPECT_EQ(found, num_train);
  }
  EXPECT_GT(dataset_->size(Split::kTest), 0);
  for (const Split split : kSplits) EXPECT_EQ(dataset_->labels(split).numel(), dataset_->size(split));
}

TEST_P(DatasetContract, LabelsAreInRangeAndValidationIsStratified) {
  if (is_text()) GTEST_SKIP() << "a text";
  const int64_t num_classes = dataset_->shape().num_classes;
  std::map<Split, torch::Tensor> counts;
  for (const Split split : kSplits) {
    const auto labels = dataset_->labels(split);
    EXPECT_EQ(labels.scalar_type(), torch::kInt64);
    EXPECT_GE(labels.min().item<int64_t>(), 0);
    EXPECT_LT(labels.max().item<int64_t>(), num_classes);
    counts[split] = labels.bincount({}, num_classes);
    EXPECT_GT(counts[split].min().item<int64_t>(), 0) << split_name(split);
  }
  if (dataset_->shape().is_paired()) return;  // cut by image: see pair_set_test.cc
  for (int64_t label = 0; label < num_classes; ++label) {
    const auto valid = counts[Split::kValid][label].item<int64_t>();
    const auto both = valid + counts[Split::kTrain][label].item<int64_t>();
    EXPECT_EQ(valid, std::lround(kValidation * static_cast<double>(both))) << label;
  }
}

TEST_P(DatasetContract, BatchesAreFiniteAndOfTheStatedShape) {
  const DataShape shape = dataset_->shape();
  for (const Split split : kSplits) {
    const auto index_B = some_places(split);
    const auto batch = dataset_->get(split, index_B);
    const int64_t B = index_B.numel();
    if (is_text()) {
      EXPECT_EQ(batch.inputs.size(0), B);
      if (has_setting(GetParam(), "instruction")) EXPECT_LE(batch.inputs.size(1), shape.length) << "cut to the longest";
      else EXPECT_EQ(batch.inputs.size(1), shape.length);
      EXPECT_LT(batch.inputs.max().item<int64_t>(), shape.vocabulary);
    } else {
      EXPECT_EQ(batch.inputs.sizes(), (std::vector<int64_t>{B, shape.channels, shape.height, shape.width}));
      EXPECT_EQ(batch.inputs.scalar_type(), torch::kFloat32);
      EXPECT_TRUE(torch::equal(batch.label_B, dataset_->labels(split).index_select(0, index_B)));
    }
    if (shape.is_paired()) {
      EXPECT_EQ(batch.text_BS.sizes(), (std::vector<int64_t>{B, shape.length}));
      EXPECT_LT(batch.text_BS.max().item<int64_t>(), shape.vocabulary);
      EXPECT_TRUE(batch.mask_BS.any(1).all().item<bool>());
      EXPECT_EQ(dataset_->class_types().size(), dataset_->class_names().size());
    }
    EXPECT_TRUE(batch.inputs.isfinite().all().item<bool>());
    EXPECT_TRUE(torch::equal(batch.index_B, index_B));
    EXPECT_EQ(dataset_->get(split, torch::empty({0}, torch::kInt64)).size(), 0);
    EXPECT_THROW(dataset_->get(split, torch::tensor({dataset_->size(split)})), ShapeError);
  }
}

// The real sets hold a few images twice.
TEST_P(DatasetContract, SplitsShareAtMostAFewImages) {
  if (is_text()) GTEST_SKIP() << "a text";
  std::map<Split, std::unordered_set<size_t>> hashes;
  for (const Split split : {Split::kTrain, Split::kValid}) {
    for (int64_t begin = 0; begin < dataset_->size(split); begin += 1000) {
      const auto batch = dataset_->get(split, torch::arange(begin, std::min(begin + 1000, dataset_->size(split))));
      const size_t bytes = batch.inputs.nbytes() / static_cast<size_t>(batch.size());
      for (int64_t b = 0; b < batch.size(); ++b) {
        const auto image = batch.inputs[b];
        hashes[split].insert(std::hash<std::string_view>()({static_cast<const char*>(image.const_data_ptr()), bytes}));
      }
    }
  }
  const auto& train = hashes[Split::kTrain];
  const auto num_shared = std::count_if(hashes[Split::kValid].begin(), hashes[Split::kValid].end(),
                                        [&](size_t hash) { return train.contains(hash); });
  EXPECT_LE(num_shared, dataset_->size(Split::kValid) / 100);
}

TEST_P(DatasetContract, TwoMakesAreEqual) {
  const auto again = make(GetParam());
  for (const Split split : kSplits) {
    EXPECT_TRUE(torch::equal(dataset_->labels(split), again->labels(split)));
    const auto index_B = some_places(split);
    EXPECT_TRUE(torch::equal(dataset_->get(split, index_B).inputs, again->get(split, index_B).inputs));
  }
}

TEST_P(DatasetContract, ThreadsDoNotDisturbEachOther) {
  std::vector<Batch> expected;
  for (const Split split : kSplits) expected.push_back(dataset_->get(split, some_places(split)));
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        for (size_t i = 0; i < kSplits.size(); ++i) {
          const auto batch = dataset_->get(kSplits.at(i), some_places(kSplits.at(i)));
          EXPECT_TRUE(torch::equal(batch.inputs, expected[i].inputs));
        }
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Datasets, DatasetContract, ::testing::ValuesIn(datasets().names()),
                         [](const auto& kind) { return kind.param; });

TEST(Datasets, SplitsHaveNames) {
  EXPECT_STREQ(split_name(Split::kTrain), "train");
  EXPECT_STREQ(split_name(Split::kValid), "valid");
  EXPECT_STREQ(split_name(Split::kTest), "test");
  for (const Split split : {Split::kTrain, Split::kValid, Split::kTest})
    EXPECT_EQ(split_named(split_name(split)), split);
}

TEST(Datasets, EveryKindSharesTheseSettings) {
  const auto shared_settings = datasets().shared().list();
  std::vector<std::string> names;
  for (const auto& field : shared_settings) names.push_back(field.name);
  EXPECT_EQ(names, (std::vector<std::string>{"batch", "validation", "per_class", "per_class_seed", "workers"}));
}

}  // namespace
}  // namespace heterodyne::dataset_test
