#include "heterodyne/data/instruction_set.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::instruction_set_test {
namespace {

const ChatTemplate& plain() { return chat_template_named("plain"); }

std::vector<Instruction> rows_of(std::string_view text, const ChatTemplate& form = plain()) {
  return read_instructions(text, "a.jsonl", {}, form, false, nullptr);
}

TEST(ReadInstructions, FieldsAndConversationsAreRead) {
  const auto rows = rows_of(R"({"instruction": "Add.", "input": "1 2", "output": " 3 "}
{"instruction": "Hi", "input": "", "output": "Ho"}
{"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "y"}, {"role": "assistant", "content": "z"}]}
)");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(text_of(rows[0], plain()), "User: Add.\n\n1 2\nAssistant: 3\n");
  EXPECT_EQ(text_of(rows[1], plain()), "User: Hi\nAssistant: Ho\n");
  EXPECT_EQ(text_of(rows[2], plain()), "x\nUser: y\nAssistant: z\n");
  const auto& alpaca = chat_template_named("alpaca");
  EXPECT_EQ(text_of(rows_of(R"([{"instruction": "Add.", "input": "1 2", "output": "3"}])", alpaca)[0], alpaca),
            "### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:\n3\n\n");
}

TEST(ReadInstructions, TheRowAtFaultIsNamedOrCounted) {
  const auto refusal = [](std::string_view text) { return fixtures::message_of<FormatError>([&] { rows_of(text); }); };
  EXPECT_EQ(refusal("{\"instruction\": \"a\", \"output\": \" \\n\"}"),
            "a.jsonl: line 1: output: expected an answer, got an empty one");
  EXPECT_EQ(refusal("[{\"instruction\": \"a\", \"output\": \"b\"}, 5]"),
            "a.jsonl: entry 2: expected a table, got a whole number");
  EXPECT_EQ(refusal("{\"messages\": [{\"role\": \"bot\", \"content\": \"b\"}]}"),
            "a.jsonl: line 1: role: expected system, user or assistant, got \"bot\"");
  EXPECT_EQ(refusal("{\"messages\": [{\"role\": \"user\", \"content\": \"b\"}]}"),
            "a.jsonl: line 1: expected a conversation that ends in an answer, got another");
  EXPECT_EQ(refusal("\n{\"instruction\": \"a\"}").substr(0, 24), "a.jsonl: line 2: output:");
  int64_t num_skipped = 0;
  const auto rows =
      read_instructions("{\n{\"instruction\": \"a\", \"output\": \"b\"}\n{}\n", "a", {}, plain(), true, &num_skipped);
  EXPECT_EQ(rows.size(), 1U);
  EXPECT_EQ(num_skipped, 2);
}

class Tokens : public testing::Test {
 protected:
  InstructionTokens of(const Instruction& row, int64_t most = 100) {
    return tokens_of(row, *tokenizer_, words_, plain(), most);
  }
  std::string text(const std::vector<int64_t>& ids) { return tokenizer_->decode(ids, true); }

  Vocabulary words_ = learn_vocabulary(Member(Table{{"kind", "byte"}}), "User: Hi\nAssistant: Hob?\n", "here");
  std::shared_ptr<Tokenizer> tokenizer_ = tokenizers().make(Member(Table{{"kind", "byte"}}), words_);
};

TEST_F(Tokens, OnlyAnswersAreLearned) {
  const Instruction row{{{"user", "Hi"}, {"assistant", "Ho"}, {"user", "?"}, {"assistant", "b"}}, "here"};
  const auto tokens = of(row);
  EXPECT_EQ(text(tokens.ids), "User: Hi\nAssistant: Ho\nUser: ?\nAssistant: b\nUser:");
  std::string marks;
  for (const bool is_answer : tokens.is_answer) marks += is_answer ? 'x' : '.';
  EXPECT_EQ(marks, std::string(19, '.') + "xxxx" + std::string(18, '.') + "xxxxxxxx");
  EXPECT_FALSE(tokens.is_cut);
}

TEST_F(Tokens, LongAnswersAreCutAndLongPromptsRefused) {
  const Instruction row{{{"user", "Hi"}, {"assistant", "Hob"}}, "a: line 3"};
  const auto cut = of(row, 20);
  EXPECT_TRUE(cut.is_cut);
  EXPECT_EQ(text(cut.ids), "User: Hi\nAssistant: H");
  EXPECT_EQ(of(row, 19).ids.size(), 20U) << "one token of the answer";
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { of(row, 18); }),
            "a: line 3: expected a prompt of at most the 18 tokens that the model reads, got 19");
}

// Letters are symbols, ^ begins a text and $ ends a turn.
ModelTemplate form_of(const std::string& source) {
  return {io::write_json(Table{{"bos_token", "^"}, {"eos_token", "$"}, {"chat_template", source}}), "its template"};
}
constexpr const char* kWhole =
    "{{ bos_token }}{% for m in messages %}{{ m.role[0] }}:{{ m.content | trim }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}";

class OwnTokens : public testing::Test {
 protected:
  std::string marked(const Instruction& row, const std::string& source, int64_t most = 100) {
    const auto tokens = tokens_of(row, *tokenizer_, words_, form_of(source), most);
    std::string text;
    for (size_t i = 0; i < tokens.ids.size(); ++i)
      text += (tokens.is_answer[i] ? "_" : "") + tokenizer_->piece(tokens.ids[i], -1);
    return text + (tokens.is_cut ? " cut" : "");
  }
  std::string refusal(const Instruction& row, const std::string& source, int64_t most = 100) {
    return fixtures::message_of<FormatError>([&] { marked(row, source, most); });
  }

  Instruction row_{{{"system", "s"}, {"user", "Hi "}, {"assistant", " Ho"}, {"user", "?"}, {"assistant", "b"}}, "r: 3"};
  Vocabulary words_ = learn_vocabulary(Member(Table{{"kind", "byte"}}), "^$:asuHiob? ", "here");
  std::shared_ptr<Tokenizer> tokenizer_ = tokenizers().make(Member(Table{{"kind", "byte"}}), words_);
};

TEST_F(OwnTokens, OnlyAnswersAndWhatEndsThemAreLearned) {
  EXPECT_EQ(marked(row_, kWhole), "^s:s$u:Hi$a:_H_o_$u:?$a:_b_$");
  EXPECT_EQ(marked({{{"user", "i"}, {"assistant", "Ho"}}, "r"}, kWhole, 8), "^u:i$a:_H_o cut");
  EXPECT_EQ(refusal({{{"user", "Hi"}, {"assistant", "Ho"}}, "r: 3"}, kWhole, 7),
            "r: 3: expected a prompt of at most the 7 tokens that the model reads, got 8");
}

TEST_F(OwnTokens, ATemplateThatChangesItsMindIsRefused) {
  const std::string told =
      "r: 3: expected a chat template that goes on from what it wrote before, so that answers can be told apart; ";
  // The last message's role is written behind the conversation's beginning.
  EXPECT_EQ(refusal(row_, std::string("{{ messages[-1].role[0] }}") + kWhole),
            told + "with message 3 it writes another text");
  // Earlier answers are left out once there is another message.
  EXPECT_EQ(refusal(row_,
                    "{% for m in messages %}{% if m.role != 'assistant' or loop.last %}{{ m.content }}{% endif %}"
                    "{% endfor %}"),
            told + "before message 5 it writes another text");
  EXPECT_EQ(refusal(row_, "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"),
            told + "with message 3 it writes another text")
      << "no answer at all";
  EXPECT_EQ(refusal(row_, "\n{{ raise_exception('No system here.') }}"),
            "r: 3: [its template] line 2: the template refuses this conversation: No system here.");
}

TEST_F(Tokens, BatchesArePaddedAndLabelsShifted) {
  InstructionDataset dataset({std::vector<InstructionTokens>{{{1, 2, 3}, {false, false, true}, false},
                                                             {{4, 5, 6, 7}, {false, true, false, true}, false}},
                              {},
                              {}},
                             words_, 8, "data.instruct");
  const auto batch = dataset.get(Split::kTrain, torch::tensor({1, 0}));
  EXPECT_TRUE(torch::equal(batch.inputs, torch::tensor({{4, 5, 6}, {1, 2, 0}})));
  EXPECT_TRUE(torch::equal(batch.label_B, torch::tensor({{5, -100, 7}, {-100, 3, -100}})));
  EXPECT_TRUE(torch::equal(batch.mask_BS, torch::tensor({{true, true, true}, {true, true, false}})));
  EXPECT_FALSE(dataset.get(Split::kTrain, torch::tensor({0})).mask_BS.defined());
  EXPECT_EQ(dataset.shape().length, 8);
  EXPECT_FALSE(dataset.is_sequential());
  EXPECT_THROW(dataset.get(Split::kTrain, torch::tensor({2})), ShapeError);
}

}  // namespace
}  // namespace heterodyne::instruction_set_test
