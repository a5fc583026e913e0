#include "heterodyne/data/chat_template.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/tokenizer_file.h"
#include "heterodyne/io/fixtures.h"

namespace heterodyne::chat_template_test {
namespace {

using Ids = std::vector<int64_t>;

// One letter, one symbol; `around` stands before and behind each text.
class Letters : public Tokenizer {
 public:
  explicit Letters(Ids before, Ids behind) : before_(std::move(before)), behind_(std::move(behind)) {}
  std::vector<int64_t> encode(std::string_view text, const std::string&) const override {
    Ids ids;
    for (const char c : text) ids.push_back(c - 'a');
    return ids;
  }
  std::string piece(int64_t id, int64_t) const override { return std::string(1, static_cast<char>('a' + id)); }
  FramedText framed(const std::vector<int64_t>& ids) const override {
    Ids all = before_;
    all.insert(all.end(), ids.begin(), ids.end());
    all.insert(all.end(), behind_.begin(), behind_.end());
    return {all, {}};
  }

 private:
  Ids before_, behind_;
};

// The template of the published tokenizer_config.json, filled in by hand.
TEST(ChatTemplate, OfLlama3IsThePublishedOne) {
  const auto& form = chat_template_named("llama3");
  EXPECT_EQ(form.begin + form.opened({{"system", "Be brief."}, {"user", " Hi\n"}, {"assistant", "Ho"}, {"user", "?"}}),
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nHo<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\n?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
}

TEST(ChatTemplate, OthersAreAsTheirModelsKnowThem) {
  EXPECT_EQ(chat_template_named("chatml").opened({{"user", "Hi"}}),
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(chat_template_named("alpaca").opened({{"user", "Add."}}), "### Instruction:\nAdd.\n\n### Response:\n");
  EXPECT_EQ(chat_template_named("plain").opened({{"user", "Hi"}, {"assistant", "Ho"}}),
            "User: Hi\nAssistant: Ho\nAssistant:");
  EXPECT_EQ(fixtures::message_of<ConfigError>([] { chat_template_named("lama3"); }),
            "[chat] template: expected one of llama3, chatml, alpaca, plain, got \"lama3\"; nearest: \"llama3\"");
}

TEST(ChatTemplate, IsChosenByTheSymbols) {
  EXPECT_EQ(chat_template_for({"a", "<|start_header_id|>"}).name, "llama3");
  EXPECT_EQ(chat_template_for({"<|im_start|>"}).name, "chatml");
  EXPECT_EQ(chat_template_for({"a"}).name, "plain");
  EXPECT_EQ(ending_ids({"a", "</s>", "<|eot_id|>"}), (Ids{2, 1}));
}

TEST(OpeningIds, BeginOnceAndDoNotEnd) {
  const Vocabulary words{"a", "b", "c", "<|begin_of_text|>", "</s>"};
  const auto& llama = chat_template_named("llama3");
  EXPECT_EQ(opening_ids(Letters({}, {}), words, llama, "cb", "here"), (Ids{3, 2, 1}));
  EXPECT_EQ(opening_ids(Letters({3}, {4}), words, llama, "cb", "here"), (Ids{3, 2, 1}));
  EXPECT_EQ(opening_ids(Letters({4}, {}), words, chat_template_named("plain"), "cb", "here"), (Ids{4, 2, 1}));
}

// The symbols of the real file: the template's marks are one symbol each.
TEST(OpeningIds, OfTheRealTokenizerMarksAreSymbols) {
  const auto file = fixtures::find_real_data("tokenizers/llama3/tokenizer.json.xz");
  if (!file) GTEST_SKIP() << "skipped: no data";
  const auto vocabulary = read_tokenizer_file(file->substr(0, file->size() - 3));
  const auto tokenizer = make_defined_tokenizer(vocabulary, "llama3");
  const auto& form = chat_template_for(vocabulary);
  EXPECT_EQ(form.name, "llama3");
  // <|begin_of_text|> <|start_header_id|> user <|end_header_id|> two line ends, Hi, <|eot_id|>, and the answer's head.
  EXPECT_EQ(opening_ids(*tokenizer, vocabulary, form, form.opened({{"user", "Hi"}}), "here"),
            (Ids{128000, 128006, 882, 128007, 271, 13347, 128009, 128006, 78191, 128007, 271}));
}

}  // namespace
}  // namespace heterodyne::chat_template_test
