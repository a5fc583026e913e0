#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::text_classes_test {
namespace {

const Table kNews{{"label", "0"}, {"text", Array{"1", "2"}}, {"first_label", 1}};

class TextClasses : public testing::Test {
 protected:
  std::unique_ptr<Dataset> make(Table settings, double validation = 0) const {
    settings.set("kind", "text_classes");
    if (!settings.contains("path")) settings.set("path", "train.csv");
    if (!settings.contains("test_path")) settings.set("test_path", "test.csv");
    if (!settings.contains("classes")) settings.set("classes", Array{"World", "Sports"});
    if (!settings.contains("fields")) settings.set("fields", kNews);
    DataContext context{{folder_.path()}, validation, {}, 1};
    context.vocabulary = known_;
    return datasets().make(Member(settings), context);
  }

  fixtures::TemporaryFolder folder_;
  Vocabulary known_;
};

TEST_F(TextClasses, ReadsWordsAndClasses) {
  folder_.put("train.csv", "\"1\",\"Peace\",\"talks, talks\"\n\"2\",\"A\",\"goal\"\n");
  folder_.put("test.csv", "\"2\",\"Goal!\",\"unheard\"\n");
  const auto set = make({});
  EXPECT_EQ(*set->vocabulary(), (Vocabulary{"<unk>", "<eos>", "talks", "a", "goal", "peace"}));
  EXPECT_EQ(set->class_names(), (std::vector<std::string>{"World", "Sports"}));
  const auto test = set->get(Split::kTest, torch::arange(1));
  EXPECT_TRUE(torch::equal(test.inputs, torch::tensor({{4, 0}}, torch::kInt64)));
  EXPECT_EQ(test.label_B.item<int64_t>(), 1);
}

TEST_F(TextClasses, TakesTheSymbolsOfAFileOrOfTheModel) {
  folder_.put("train.csv", "1,a b,c\n2,b,d\n");
  folder_.put("my.txt", "<unk>\nb\r\nd\n");
  EXPECT_EQ(*make({{"vocabulary", "my.txt"}})->vocabulary(), (Vocabulary{"<unk>", "b", "d"}));
  known_ = {"<unk>", "c"};
  EXPECT_EQ(*make({{"vocabulary", "my.txt"}})->vocabulary(), known_);
  known_.clear();
  folder_.put("none.txt", "");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { make({{"vocabulary", "none.txt"}}); }),
            "none.txt: expected a symbol on each line, got nothing");
}

TEST_F(TextClasses, TextsMayBeReadAsTheyAre) {
  folder_.put("train.csv", "1,A b.,c\n2,A,d\n");
  EXPECT_EQ(*make({{"words", "as_is"}})->vocabulary(), (Vocabulary{"<unk>", "<eos>", "A", "b.", "c", "d"}));
}

TEST_F(TextClasses, BrokenQuotesAreNamedWithTheirLine) {
  folder_.put("train.csv", "\"1\",\"a\",\"b\"\n\"2\",\"c \"d\" e\",\"f\"\n");
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { make({}); }),
            "train.csv: line 2: expected a comma or the end of the line behind a closing quote, got 'd'");
}

TEST_F(TextClasses, ClassesMustDiffer) {
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { make({{"classes", Array{"a", "a"}}}); }),
            "[dataset.text_classes] classes: expected at least two names that differ, got a, a");
}

TEST_F(TextClasses, AMissingFileIsNamedWithTheFolders) {
  const auto message = fixtures::message_of<FormatError>([&] { make({}); });
  EXPECT_NE(message.find("train.csv: not found (also tried .gz, .xz) in " + folder_.path()), std::string::npos)
      << message;
}

// 12,000 texts, of which a tenth of each class is validated; 7,600 for the test, 1,900 of each class.
TEST(AgNews, IsReadAsItIsPublished) {
  const auto folder = fixtures::find_real_data("ag_news_csv");
  if (!folder) GTEST_SKIP() << "skipped: no data";
  const Table settings{{"kind", "text_classes"},
                       {"path", *folder + "/train_12k.csv"},
                       {"test_path", *folder + "/test.csv"},
                       {"classes", Array{"World", "Sports", "Business", "Sci/Tech"}},
                       {"fields", kNews}};
  const auto set = datasets().make(Member(settings), DataContext{{}, 0.1, {}, 1});
  EXPECT_EQ(set->size(Split::kTrain) + set->size(Split::kValid), 12000);
  EXPECT_TRUE(
      torch::equal(set->labels(Split::kTest).bincount(), torch::tensor({1900, 1900, 1900, 1900}, torch::kInt64)));
  EXPECT_EQ(set->vocabulary()->size(), 20000U);
  const auto first = set->get(Split::kTest, torch::tensor({0}, torch::kInt64));
  EXPECT_EQ(first.label_B.item<int64_t>(), 2);
  EXPECT_EQ((*set->vocabulary())[static_cast<size_t>(first.inputs[0][0].item<int64_t>())], "fears");
}

}  // namespace
}  // namespace heterodyne::text_classes_test
