#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::text_lm_test {
namespace {

class TextLm : public testing::Test {
 protected:
  std::unique_ptr<Dataset> make(Table settings, double validation = 0.2) const {
    settings.set("kind", "text_lm");
    DataContext context;
    context.folders = {folder_.path()};
    context.validation = validation;
    context.batch = 1;
    return datasets().make(Member(settings), context);
  }
  void write(const std::string& name, const std::string& text) const { folder_.put(name, text); }

  fixtures::TemporaryFolder folder_;
};

// 20 characters: 14 for training, 4 for validation, 2 for the test, in this order. Windows of 1.
TEST_F(TextLm, CutsOneTextIntoSplitsInOrder) {
  write("t.txt", "abcdefghijklmnopqrst");
  const auto set = make({{"path", "t.txt"}, {"length", 1}, {"test", 0.1}});
  EXPECT_EQ(set->size(Split::kTrain), 13);
  EXPECT_EQ(set->size(Split::kValid), 3);
  EXPECT_EQ(set->size(Split::kTest), 1);
  EXPECT_EQ(set->get(Split::kValid, torch::arange(1)).inputs.item<int64_t>(), 14);
  EXPECT_EQ(set->get(Split::kTest, torch::arange(1)).inputs.item<int64_t>(), 18);
  EXPECT_EQ(set->vocabulary()->size(), 20U);
}

TEST_F(TextLm, ReadsAFileForEachSplitWithTheTrainingTextsWords) {
  write("train.txt", "a b c\na b\n");
  write("valid.txt", "a d\nb\n");
  write("test.txt", "b b b\n");
  const auto set = make({{"path", "train.txt"},
                         {"valid_path", "valid.txt"},
                         {"test_path", "test.txt"},
                         {"length", 2},
                         {"tokenizer", Table{{"kind", "word"}}}});
  EXPECT_EQ(*set->vocabulary(), (Vocabulary{"<unk>", "<eos>", "a", "b", "c"}));
  EXPECT_TRUE(torch::equal(set->get(Split::kValid, torch::arange(1)).inputs[0], torch::tensor({2, 0}, torch::kInt64)));
  EXPECT_EQ(set->size(Split::kTrain), 3);
}

TEST_F(TextLm, AVocabularyOfAnotherSizeThanExpectedIsRefused) {
  write("t.txt", "abcabcabc");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { make({{"path", "t.txt"}, {"vocabulary", 65}}); }),
            "[data.text_lm] t.txt: expected 65 different symbols, as data.vocabulary says, got 3");
}

TEST_F(TextLm, AMissingTextIsNamedWithTheFolders) {
  const auto message = fixtures::message_of<FormatError>([&] { make({{"path", "no.txt"}}); });
  EXPECT_NE(message.find("no.txt: not found (also tried .gz, .xz) in " + folder_.path()), std::string::npos) << message;
}

}  // namespace
}  // namespace heterodyne::text_lm_test
