#include <gtest/gtest.h>

#include <array>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::easy_vqa_test {
namespace {

using fixtures::message_of;

constexpr const char* kAnswers =
    "circle\ngreen\nred\ngray\nyes\nteal\nblack\nrectangle\nyellow\ntriangle\nbrown\nblue\nno\n";
constexpr const char* kQuestions =
    R"([["What color is the shape?", "teal", 1], ["is there a circle?", "yes", 0], ["is it red?", "no", 1]])";

// Pixel (row, column) of image m is (row, column, m).
std::string pixels(int count) {
  std::string bytes;
  for (int m = 0; m < count; ++m) {
    for (int row = 0; row < 64; ++row) {
      for (int column = 0; column < 64; ++column) {
        for (const int value : {row, column, m}) bytes += static_cast<char>(value);
      }
    }
  }
  return bytes;
}

class EasyVqaTest : public testing::Test {
 protected:
  void put(const std::string& questions = kQuestions) const {
    folder_.put("easy_vqa/answers.txt", kAnswers);
    folder_.put("easy_vqa/questions_train.json", questions);
    folder_.put("easy_vqa/images_train.nhwc_64x64x3.u8", pixels(2));
  }
  std::unique_ptr<Dataset> make(int64_t length = 10) const {
    const DataContext context{.folders = {folder_.path()}, .validation = 0, .log = {}};
    return datasets().make(Member(Table{{"kind", "easy_vqa"}, {"length", length}}), context);
  }
  // What making it says, without the folder's own path.
  std::string complaint(int64_t length = 10) const {
    auto text = message_of<FormatError>([&] { make(length); });
    if (text.starts_with(folder_ / "easy_vqa/")) text = text.substr((folder_ / "easy_vqa/").size());
    return text;
  }

  fixtures::TemporaryFolder folder_;
};

TEST_F(EasyVqaTest, ReadsQuestionsWithTheirImages) {
  put();
  const auto set = make();
  // By frequency, equals by their bytes: ? 3, is 3, then once each.
  const Vocabulary expected{"<unk>", "<eos>", "?",     "is",  "a",     "circle", "color",
                            "it",    "red",   "shape", "the", "there", "what"};
  ASSERT_NE(set->vocabulary(), nullptr);
  EXPECT_EQ(*set->vocabulary(), expected);
  const auto batch = set->get(Split::kTrain, torch::tensor({0, 1}));
  std::string words;
  for (int64_t s = 0; s < 10; ++s) {
    if (batch.mask_BS[0][s].item<bool>())
      words += (*set->vocabulary())[static_cast<size_t>(batch.text_BS[0][s].item<int64_t>())] + " ";
  }
  EXPECT_EQ(words, "what color is the shape ? ");
  EXPECT_TRUE(torch::equal(batch.label_B, torch::tensor({5, 4})));
  // Image 1, row 7, column 9: (value / 255 - mean) / deviation.
  EXPECT_NEAR(batch.inputs[0][0][7][9].item<double>(), (7 / 255.0 - 0.9043) / 0.1938, 1e-5);
  EXPECT_NEAR(batch.inputs[0][1][7][9].item<double>(), (9 / 255.0 - 0.9054) / 0.1871, 1e-5);
  EXPECT_NEAR(batch.inputs[0][2][7][9].item<double>(), (1 / 255.0 - 0.8965) / 0.2058, 1e-5);
}

TEST_F(EasyVqaTest, AnswersAreOfThreeSorts) {
  put();
  const auto types = make()->class_types();
  EXPECT_EQ(types, (std::vector<std::string>{"shape", "colour", "colour", "colour", "yes/no", "colour", "colour",
                                             "shape", "colour", "shape", "colour", "colour", "yes/no"}));
}

// The decoder goes by what is in a file, so a PPM under the name of a PNG does.
TEST_F(EasyVqaTest, ReadsTheAuthorsTree) {
  folder_.put("easy_vqa/answers.txt", kAnswers);
  folder_.put("easy_vqa/train/questions.json", kQuestions);
  for (const char* name : {"0", "1"})
    folder_.put(std::string("easy_vqa/train/images/") + name + ".png", "P6\n64 64\n255\n" + pixels(1));
  const auto set = make();
  EXPECT_EQ(set->size(Split::kTrain), 3);
  EXPECT_NEAR(set->get(Split::kTrain, torch::tensor({0})).inputs[0][0][7][9].item<double>(),
              (7 / 255.0 - 0.9043) / 0.1938, 1e-5);
  folder_.put("easy_vqa/train/images/1.png", "P6\n32 64\n255\n" + pixels(1).substr(0, 32 * 64 * 3));
  EXPECT_EQ(complaint(), "train/images/1.png: expected 64 x 64 pixels of 3 colours, got 32 x 64 of 3");
}

TEST_F(EasyVqaTest, WordsThatTrainingLacksAreUnknown) {
  put();
  folder_.put("easy_vqa/questions_test.json", R"([["is there a hexagon?", "no", 0]])");
  folder_.put("easy_vqa/images_test.nhwc_64x64x3.u8", pixels(1));
  const auto batch = make()->get(Split::kTest, torch::tensor({0}));
  EXPECT_EQ(batch.text_BS[0][3].item<int64_t>(), 0);
  EXPECT_EQ(batch.mask_BS.sum().item<int64_t>(), 5);
}

TEST_F(EasyVqaTest, DamageIsNamed) {
  put(R"([["is it red?", "no", 0], ["is it?", "perhaps", 0]])");
  EXPECT_EQ(complaint(), "questions_train.json: question 1: expected an answer of answers.txt, got \"perhaps\"");
  put(R"([["is it red?", "no"]])");
  EXPECT_EQ(complaint(),
            "questions_train.json: question 0: expected [question, answer, image], got [\"is it red?\",\"no\"]");
  put(R"([["is it red?", "no", 2]])");
  EXPECT_EQ(complaint(), "images_train.nhwc_64x64x3.u8: expected 3 or more images of 12,288 bytes, got 24,576 bytes");
  put();
  EXPECT_EQ(complaint(4), "questions_train.json: question 0: expected 1 .. 4 words, as data.length says, got 6");
  folder_.put("easy_vqa/answers.txt", "yes\nno\n");
  EXPECT_EQ(complaint(), "answers.txt: expected 13 answers, got 2");
}

TEST_F(EasyVqaTest, ItsAbsenceIsExplained) {
  EXPECT_TRUE(complaint().starts_with("[data.easy_vqa] questions_train.json: not found (also tried .gz, .xz) in "))
      << complaint();
}

// easy_vqa/README.md of the data: 4,000 and 1,000 images, 38,575 and 9,673 questions.
TEST(EasyVqaFiles, AreComplete) {
  const auto folder = fixtures::find_real_data("easy_vqa");
  if (!folder) GTEST_SKIP() << "skipped: no data";
  const DataContext context{.folders = {*folder}, .validation = 0.05, .log = {}};
  const auto set = datasets().make(Member(Table{{"kind", "easy_vqa"}}), context);
  EXPECT_EQ(set->size(Split::kTrain) + set->size(Split::kValid), 38'575);
  EXPECT_EQ(set->size(Split::kTest), 9'673);
  EXPECT_EQ(set->shape().vocabulary, 29);
  EXPECT_EQ(set->class_names()[4], "yes");
  const auto batch = set->get(Split::kTest, torch::arange(9'000, 9'673));
  EXPECT_FALSE(batch.text_BS.masked_select(batch.mask_BS).eq(0).any().item<bool>());
}

}  // namespace
}  // namespace heterodyne::easy_vqa_test
