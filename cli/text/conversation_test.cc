#include "cli/text/conversation.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::cli::conversation_test {
namespace {

// Symbols: a b c, U for "User: ", A for "Assistant:", a line end, and an end. Says "a b c", then the end; remembers
// all that it has read.
class Speaks : public Network {
 public:
  explicit Speaks(std::vector<int64_t> says) : says_(std::move(says)) {}
  NetworkOutput forward(const Batch& batch, RoutingLog*) override {
    if (batch.first_position == 0) read.clear();
    const auto ids = batch.inputs.flatten();
    for (int64_t i = 0; i < ids.size(0); ++i) read.push_back(ids[i].item<int64_t>());
    // What comes next is counted from the last symbol that opens an answer.
    size_t said = 0;
    while (said < read.size() && read[read.size() - 1 - said] != kOpens) ++said;
    NetworkOutput output;
    output.logit_BY = torch::zeros({1, ids.size(0), 7});
    output.logit_BY.index_put_({0, -1, says_[std::min(said, says_.size() - 1)]}, 10.0F);
    output.carry = {torch::zeros({1})};
    return output;
  }
  CostPair cost(const std::vector<std::vector<double>>&) override { return {}; }
  int64_t tokens_per_example() const override { return 1; }
  bool is_causal() override { return true; }

  static constexpr int64_t kOpens = 4;
  std::vector<int64_t> read;

 private:
  std::vector<int64_t> says_;
};

// The same, and how often it began anew.
class Counts : public Speaks {
 public:
  using Speaks::Speaks;
  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    if (batch.first_position == 0) ++num_begun;
    return Speaks::forward(batch, log);
  }
  int num_begun = 0;
};

class Pieces : public Tokenizer {
 public:
  std::vector<int64_t> encode(std::string_view text, const std::string&) const override {
    std::vector<int64_t> ids;
    while (!text.empty()) {
      for (int64_t id = 0; id < 7; ++id) {
        if (!text.starts_with(kPieces[static_cast<size_t>(id)])) continue;
        ids.push_back(id);
        text.remove_prefix(kPieces[static_cast<size_t>(id)].size());
        break;
      }
    }
    return ids;
  }
  std::string piece(int64_t id, int64_t) const override { return id == 6 ? "" : kPieces[static_cast<size_t>(id)]; }

  const std::vector<std::string> kPieces = {"a", "b", "c", "User: ", "Assistant:", "\n", "</s>"};
};

const Vocabulary kWords{"a", "b", "c", "User: ", "Assistant:", "\n", "</s>"};
constexpr SamplingOptions kGreedy{0, 0, 1, 0};

struct Spoken {
  std::string text, shown;
  Conversation::Answer answer;
};
Spoken say(Conversation& conversation, const std::string& message, int64_t tokens = 10) {
  Spoken spoken;
  spoken.answer = conversation.answer(message, kGreedy, tokens, [&](const std::string& part) { spoken.shown += part; });
  spoken.text = spoken.answer.text;
  return spoken;
}

TEST(Conversation, ASymbolEndsAnAnswerAndTheNextTurnGoesOn) {
  Speaks network({0, 1, 2, 6});
  const Pieces pieces;
  Conversation conversation({network, pieces, kWords, 100}, chat_template_named("plain"), "");
  const auto first = say(conversation, "cc");
  EXPECT_EQ(first.text, "abc");
  EXPECT_EQ(first.shown, "abc");
  EXPECT_EQ(first.answer.num_tokens, 4);
  EXPECT_FALSE(first.answer.is_cut || first.answer.has_forgotten);
  EXPECT_EQ(network.read, (std::vector<int64_t>{3, 2, 2, 5, 4, 0, 1, 2}));
  EXPECT_EQ(say(conversation, "b").text, "abc");
  EXPECT_EQ(network.read, (std::vector<int64_t>{3, 2, 2, 5, 4, 0, 1, 2, 6, 3, 1, 5, 4, 0, 1, 2}));
}

TEST(Conversation, ATextThatEndsItIsNotShown) {
  Speaks network({0, 5, 5, 3, 0});
  const Pieces pieces;
  Conversation conversation({network, pieces, kWords, 100}, chat_template_named("plain"), "");
  const auto spoken = say(conversation, "c");
  EXPECT_EQ(spoken.shown, "a\n") << "the second line end belongs to what ends it";
  EXPECT_FALSE(spoken.answer.is_cut);
}

TEST(Conversation, AnAnswerIsCutAtItsTokens) {
  Speaks network({0, 1, 2, 6});
  const Pieces pieces;
  Conversation conversation({network, pieces, kWords, 100}, chat_template_named("plain"), "b");
  const auto spoken = say(conversation, "c", 2);
  EXPECT_EQ(spoken.text, "ab");
  EXPECT_TRUE(spoken.answer.is_cut);
  EXPECT_EQ(network.read, (std::vector<int64_t>{1, 5, 3, 2, 5, 4, 0, 1})) << "the system's text comes first";
}

TEST(Conversation, WhatDoesNotFitIsForgotten) {
  Speaks network({0, 1, 2, 6});
  const Pieces pieces;
  Conversation conversation({network, pieces, kWords, 12}, chat_template_named("plain"), "");
  EXPECT_FALSE(say(conversation, "c").answer.has_forgotten);
  EXPECT_TRUE(say(conversation, "b").answer.has_forgotten);
  EXPECT_EQ(network.read, (std::vector<int64_t>{3, 1, 5, 4, 0, 1, 2}));
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { say(conversation, "aaaaaaaaa"); }),
            "[chat] message: expected fewer than the 12 tokens that the model accepts, got 12");
}

// Turns as "User: a" and "Assistant:b" with an end behind each answer; "a" is refused.
ModelTemplate own_form(const std::string& answer = "m.content") {
  const std::string source =
      "{% for m in messages %}{% if m.role == 'user' %}User: {{ m.content }}\n"
      "{%+ else %}Assistant:{{ " +
      answer +
      " }}</s>{% endif %}{% endfor %}"
      "{% if messages[-1].content == 'a' %}{{ raise_exception('Not a.') }}{% endif %}"
      "{% if add_generation_prompt %}Assistant:{% endif %}";
  return {io::write_json(Table{{"chat_template", source}, {"eos_token", "</s>"}}), "own"};
}

TEST(OwnTemplate, TheNextTurnGoesOnFromWhatWasRead) {
  Counts network({0, 1, 2, 6});
  const Pieces pieces;
  const auto form = own_form();
  Conversation conversation({network, pieces, kWords, 100}, form, "", std::tm{});
  EXPECT_EQ(say(conversation, "cc").text, "abc");
  EXPECT_EQ(network.read, (std::vector<int64_t>{3, 2, 2, 5, 4, 0, 1, 2}));
  EXPECT_EQ(say(conversation, "b").text, "abc");
  EXPECT_EQ(network.read, (std::vector<int64_t>{3, 2, 2, 5, 4, 0, 1, 2, 6, 3, 1, 5, 4, 0, 1, 2}));
  EXPECT_EQ(network.num_begun, 1) << "nothing is read twice";
}

TEST(OwnTemplate, WhatDoesNotGoOnIsReadAnew) {
  Counts network({0, 1, 2, 6});
  const Pieces pieces;
  const auto form = own_form("m.content[:1]");  // of an answer its first letter is told
  Conversation conversation({network, pieces, kWords, 100}, form, "", std::tm{});
  say(conversation, "cc");
  EXPECT_EQ(say(conversation, "b").text, "abc");
  EXPECT_EQ(network.read, (std::vector<int64_t>{3, 2, 2, 5, 4, 0, 6, 3, 1, 5, 4, 0, 1, 2}));
  EXPECT_EQ(network.num_begun, 2);
  EXPECT_FALSE(say(conversation, "c").answer.has_forgotten) << "reading anew forgets nothing";
}

TEST(OwnTemplate, WhatDoesNotFitIsForgottenAndWhatIsRefusedIsNotSaid) {
  Counts network({0, 1, 2, 6});
  const Pieces pieces;
  const auto form = own_form();
  Conversation conversation({network, pieces, kWords, 12}, form, "", std::tm{});
  EXPECT_FALSE(say(conversation, "c").answer.has_forgotten);
  EXPECT_EQ(fixtures::message_of<FormatError>([&] { say(conversation, "a"); }),
            "[own] line 2: the template refuses this conversation: Not a.");
  EXPECT_TRUE(say(conversation, "b").answer.has_forgotten);
  EXPECT_EQ(network.read, (std::vector<int64_t>{3, 1, 5, 4, 0, 1, 2}));
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { say(conversation, "bbbbbbbbb"); }),
            "[chat] message: expected fewer than the 12 tokens that the model accepts, got 12");
  conversation.forget();
  EXPECT_FALSE(say(conversation, "b").answer.has_forgotten);
}

TEST(OwnTemplate, TheSystemsTextComesFirst) {
  Counts network({0, 6});
  const Pieces pieces;
  const ModelTemplate form(
      io::write_json(Table{{"chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}Assistant:"}}), "own");
  Conversation conversation({network, pieces, kWords, 100}, form, "b", std::tm{});
  say(conversation, "c");
  EXPECT_EQ(network.read, (std::vector<int64_t>{1, 2, 4, 0}));
}

}  // namespace
}  // namespace heterodyne::cli::conversation_test
