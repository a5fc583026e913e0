#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::pair_tsv_test {
namespace {

constexpr const char* kMrpc = "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n";

class PairTsv : public testing::Test {
 protected:
  // A file for training and the same for the test.
  std::unique_ptr<Dataset> make(const std::string& content, Table settings, double validation = 0) const {
    folder_.put("train.tsv", content);
    settings.set("kind", "pair_tsv");
    settings.set("path", "train.tsv");
    settings.set("test_path", "train.tsv");
    return datasets().make(Member(settings), DataContext{{folder_.path()}, validation, {}, 1});
  }
  std::string complaint_about(const std::string& content, const Table& settings) const {
    return fixtures::message_of<Error>([&] { make(content, settings); });
  }

  Table mrpc_{{"text", "#1 String"},
              {"second_text", "#2 String"},
              {"label", "Quality"},
              {"classes", Array{"other", "equivalent"}}};
  Table stsb_{{"header", false}, {"text", "1"}, {"second_text", "2"}, {"label", "0"}};
  fixtures::TemporaryFolder folder_;
};

// Ids by frequency, then by the alphabet: <unk> 0, <eos> 1, b 2 (three times), a 3 (twice), "c 4, z 5.
TEST_F(PairTsv, PairsHaveIdsAndTypesAndQuotesAreText) {
  const auto set = make(std::string(kMrpc) + "1\t7\t8\ta b\tb\r\n0\t7\t8\t\"c a\tb z\n", mrpc_);
  EXPECT_EQ(*set->vocabulary(), (Vocabulary{"<unk>", "<eos>", "b", "a", "\"c", "z"}));
  const auto batch = set->get(Split::kTrain, torch::arange(2));
  EXPECT_TRUE(torch::equal(batch.inputs.select(2, 0), torch::tensor({{3, 2, 2, 0}, {4, 3, 2, 5}}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(batch.inputs.select(2, 1), torch::tensor({{0, 0, 1, 0}, {0, 0, 1, 1}}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(batch.mask_BS.sum(1), torch::tensor({3, 4}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(batch.label_B, torch::tensor({1, 0}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(set->labels(Split::kTest), torch::tensor({1, 0}, torch::kInt64)));
}

// Of six and three symbols five have room: the longer text gives its end until they are equal, then both do.
TEST_F(PairTsv, TheLongerTextIsCutFirst) {
  auto settings = mrpc_;
  settings.set("length", 5);
  const auto set = make(std::string(kMrpc) + "1\t\t\ta b c d e f\tg h i\n0\t\t\ta\tb\n", settings);
  const auto batch = set->get(Split::kTrain, torch::arange(1));
  EXPECT_TRUE(torch::equal(batch.inputs.select(2, 1), torch::tensor({{0, 0, 0, 1, 1}}, torch::kInt64)));
  EXPECT_EQ(set->shape().length, 5);
}

TEST_F(PairTsv, ATextMayStandAloneWithoutNames) {
  const Table cola{{"header", false}, {"text", "3"}, {"label", "1"}, {"classes", Array{"unacceptable", "acceptable"}}};
  const auto set = make("gj04\t1\t\tBill sang.\ngj04\t0\t*\tSang bill.\n", cola);
  const auto batch = set->get(Split::kTrain, torch::arange(2));
  EXPECT_EQ(batch.inputs.sizes(), (std::vector<int64_t>{2, 2}));
  EXPECT_TRUE(torch::equal(batch.label_B, torch::tensor({1, 0}, torch::kInt64)));
  EXPECT_EQ(set->class_names(), (std::vector<std::string>{"unacceptable", "acceptable"}));
}

TEST_F(PairTsv, NumbersStandInThePlaceOfClasses) {
  const auto set = make("5.000\ta\tb\n0.25\tc\td\tfrom elsewhere\n1e1\tx\tf\n", stsb_);
  const auto batch = set->get(Split::kTrain, torch::arange(3));
  EXPECT_TRUE(torch::equal(batch.label_B, torch::tensor({5.0F, 0.25F, 10.0F})));
  EXPECT_EQ(set->shape().num_classes, 1);
  EXPECT_TRUE(set->class_names().empty());
  EXPECT_EQ(set->labels(Split::kTrain).numel(), 0);
}

// Of ten examples round(0.3 x 10) are validated, whatever their numbers.
TEST_F(PairTsv, NumbersAreCutAsOneClass) {
  std::string lines;
  for (int i = 0; i < 10; ++i) lines += std::to_string(i) + "\ta\tb\n";
  const auto set = make(lines, stsb_, 0.3);
  EXPECT_EQ(set->size(Split::kTrain), 7);
  EXPECT_EQ(set->size(Split::kValid), 3);
}

TEST_F(PairTsv, ErrorsNameTheFileAndTheLine) {
  const std::string head = kMrpc;
  EXPECT_EQ(complaint_about(head + "1\t7\t8\ta\tb\n1\t7\t8\ta\n", mrpc_),
            "train.tsv: line 3: expected a column 4 (\"#2 String\"), got 4: 0 .. 3");
  EXPECT_EQ(complaint_about("Quality\tA\n1\ta\n", mrpc_),
            "train.tsv: line 1: expected a column \"#2 String\", got Quality, A");
  EXPECT_EQ(complaint_about(head + "2\t7\t8\ta\tb\n", mrpc_),
            "train.tsv: line 2: class: expected 0 .. 1 or one of other, equivalent, got \"2\"");
  EXPECT_EQ(complaint_about("5.0\ta\tb\nhigh\ta\tb\n", stsb_), "train.tsv: line 2: 0: expected a number, got \"high\"");
  EXPECT_EQ(complaint_about("5.0\ta\tb\nnan\ta\tb\n", stsb_), "train.tsv: line 2: 0: expected a number, got \"nan\"");
  EXPECT_EQ(complaint_about("5.0\ta\tb\n5.0\ta\n", stsb_), "train.tsv: line 2: expected a column 2, got 2: 0 .. 1");
  EXPECT_EQ(complaint_about(head, mrpc_), "train.tsv: expected texts, got none");
  auto settings = mrpc_;
  settings.set("classes", Array{"one"});
  EXPECT_EQ(complaint_about(head, settings),
            "[dataset.pair_tsv] classes: expected at least two names that differ, got one");
}

struct GlueTask {
  std::string train, test;
  Table settings;
  int64_t num_train, num_test;
};

// The sizes that GLUE publishes.
TEST(Glue, IsReadAsItIsPublished) {
  const auto folder = fixtures::find_real_data("glue");
  if (!folder) GTEST_SKIP() << "skipped: no data";
  const std::vector<GlueTask> tasks = {
      {"CoLA/train.tsv",
       "CoLA/dev.tsv",
       {{"header", false}, {"text", "3"}, {"label", "1"}, {"classes", Array{"no", "yes"}}},
       8551,
       1043},
      {"SST-2/train.tsv",
       "SST-2/dev.tsv",
       {{"text", "sentence"}, {"label", "label"}, {"classes", Array{"negative", "positive"}}},
       67349,
       872},
      {"MRPC/train.tsv",
       "MRPC/dev.tsv",
       {{"text", "#1 String"}, {"second_text", "#2 String"}, {"label", "Quality"}, {"classes", Array{"no", "yes"}}},
       3668,
       408},
      {"RTE/train.tsv",
       "RTE/dev.tsv",
       {{"text", "sentence1"},
        {"second_text", "sentence2"},
        {"label", "label"},
        {"classes", Array{"entailment", "not_entailment"}}},
       2490,
       277},
      {"STS-B/sts-train.csv",
       "STS-B/sts-dev.csv",
       {{"header", false}, {"text", "5"}, {"second_text", "6"}, {"label", "4"}},
       5749,
       1500}};
  for (auto task : tasks) {
    task.settings.set("kind", "pair_tsv");
    task.settings.set("path", *folder + "/" + task.train);
    task.settings.set("test_path", *folder + "/" + task.test);
    const auto set = datasets().make(Member(task.settings), DataContext{{}, 0.1, {}, 1});
    EXPECT_EQ(set->size(Split::kTrain) + set->size(Split::kValid), task.num_train) << task.train;
    EXPECT_EQ(set->size(Split::kTest), task.num_test) << task.test;
  }
}

}  // namespace
}  // namespace heterodyne::pair_tsv_test
