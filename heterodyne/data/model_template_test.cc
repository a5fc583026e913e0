#include "heterodyne/data/model_template.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/tokenizer_file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"

namespace heterodyne::model_template_test {
namespace {

constexpr const char* kForm =
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";

std::string config_with(const Value& form) {
  return io::write_json(Table{{"bos_token", Table{{"content", "<s>"}, {"lstrip", false}}},
                              {"eos_token", "</s>"},
                              {"pad_token", Value()},
                              {"model_max_length", 77},
                              {"tokenizer_class", "LlamaTokenizer"},
                              {"chat_template", form}});
}

TEST(ReadTokenizerConfig, KeepsTemplateAndSymbols) {
  const fixtures::TemporaryFolder folder;
  EXPECT_EQ(read_tokenizer_config(folder.path()), "") << "nothing there";
  folder.put("tokenizer_config.json", config_with(kForm));
  const Table kept = io::parse_json_table(read_tokenizer_config(folder.path()), "kept");
  EXPECT_EQ(kept.keys(), (std::vector<std::string>{"bos_token", "eos_token", "tokenizer_class", "chat_template"}));
  EXPECT_EQ(*kept.find("bos_token"), Value("<s>"));
  EXPECT_EQ(*kept.find("chat_template"), Value(kForm));
  Array several;
  several.emplace_back(Table{{"name", "tool_use"}, {"template", "no"}});
  folder.put("tokenizer_config.json", config_with(several));
  EXPECT_EQ(read_tokenizer_config(folder.path()), "") << "none is the default";
  several.emplace_back(Table{{"name", "default"}, {"template", "yes"}});
  folder.put("tokenizer_config.json", config_with(several));
  EXPECT_EQ(*io::parse_json_table(read_tokenizer_config(folder.path()), "kept").find("chat_template"), Value("yes"));
  folder.put("chat_template.jinja", "of the file");
  EXPECT_EQ(*io::parse_json_table(read_tokenizer_config(folder.path()), "kept").find("chat_template"),
            Value("of the file"));
  folder.put("tokenizer_config.json", "{");
  EXPECT_THROW(read_tokenizer_config(folder.path()), FormatError);
}

TEST(TokenizerConfigWith, ATemplateOfAFileGoesWithTheTokenizersSymbols) {
  const fixtures::TemporaryFolder folder, tokenizer;
  const std::string file = folder.put("my.jinja", "{{ eos_token }}!");
  const auto rendered = [&](const std::string& with) {
    return ModelTemplate(tokenizer_config_with(file, with), "here").render({{"user", "Hi"}}, true);
  };
  EXPECT_EQ(rendered(""), "!") << "no symbols are known";
  folder.put("tokenizer_config.json", R"({"eos_token": "<end>"})");
  EXPECT_EQ(rendered(""), "<end>!");
  EXPECT_EQ(rendered(tokenizer.path()), "<end>!") << "the tokenizer has none";
  tokenizer.put("tokenizer_config.json", R"({"eos_token": "</s>"})");
  EXPECT_EQ(rendered(tokenizer.path()), "</s>!");
  EXPECT_THROW(tokenizer_config_with(folder.path() + "/none.jinja", ""), Error);
}

TEST(ModelTemplate, WritesConversations) {
  const ModelTemplate form(config_with(kForm), "here");
  EXPECT_EQ(form.render({{"user", "Hi"}, {"assistant", "Ho"}}, false), "<s>[user]Hi</s>[assistant]Ho</s>");
  EXPECT_EQ(form.render({{"user", "Hi"}}, true), "<s>[user]Hi</s>[assistant]");
  const fixtures::TemporaryFolder folder;
  folder.put("tokenizer_config.json", config_with(""));
  const std::string file = folder.put("my.jinja", "{{ bos_token }}{% if tools %}a{% endif %}{{ messages | length }}\n");
  EXPECT_EQ(ModelTemplate::of_file(file).render({{"user", "Hi"}}, true), "<s>1");
  EXPECT_EQ(fixtures::message_of<FormatError>([] { ModelTemplate(config_with(""), "here"); }),
            "[here] expected a chat template, got none");
  EXPECT_EQ(fixtures::message_of<FormatError>([] { ModelTemplate(config_with("\n{% if %}"), "here"); }),
            "[here] line 2: expected an expression, got \"%}\"");
}

// One letter, one symbol; what no letter is has no id of its own.
class OneLetter : public Tokenizer {
 public:
  std::vector<int64_t> encode(std::string_view text, const std::string&) const override {
    std::vector<int64_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string piece(int64_t id, int64_t) const override { return std::string(1, static_cast<char>(id)); }
};

TEST(ModelTemplate, SymbolsAreOneIdEach) {
  Vocabulary words(300);
  words[290] = "<s>";
  words[291] = "</s>";
  const ModelTemplate form(config_with(kForm), "here");
  EXPECT_EQ(form.ids_of("<s>a</s></s>b", OneLetter(), words, "here"), (std::vector<int64_t>{290, 97, 291, 291, 98}));
  EXPECT_EQ(form.ids_of("<s>", OneLetter(), Vocabulary(3), "here"), (std::vector<int64_t>{'<', 's', '>'}));
  EXPECT_EQ(form.endings(words), (std::vector<int64_t>{291}));
}

// The ids of the conversation as the published template frames it: see chat_template_test.cc.
TEST(ModelTemplate, OfTheRealModelGivesItsIds) {
  const auto file = fixtures::find_real_data("tokenizers/llama3/tokenizer.json.xz");
  if (!file) GTEST_SKIP() << "skipped: no data";
  const auto vocabulary = read_tokenizer_file(file->substr(0, file->size() - 3));
  const auto tokenizer = make_defined_tokenizer(vocabulary, "llama3");
  const ModelTemplate form(read_tokenizer_config(file->substr(0, file->rfind('/'))), "llama3");
  EXPECT_EQ(form.ids_of(form.render({{"user", "Hi"}}, true), *tokenizer, vocabulary, "here"),
            (std::vector<int64_t>{128000, 128006, 882, 128007, 271, 13347, 128009, 128006, 78191, 128007, 271}));
}

}  // namespace
}  // namespace heterodyne::model_template_test
