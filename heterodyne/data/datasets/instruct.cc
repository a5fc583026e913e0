// Instructions and conversations with their answers, of which the answers alone are learned (Wei et al. 2022,
// "Finetuned language models are zero-shot learners"; the fields of Taori et al. 2023, Alpaca).
#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/instruction_set.h"
#include "heterodyne/data/source_folder.h"
#include "heterodyne/data/text_set.h"

namespace heterodyne {
namespace {

constexpr const char *kPlace = "data.instruct", *kModel = "model";

std::vector<std::string> form_names() {
  auto names = chat_template_names();
  names.emplace_back(kModel);
  return names;
}

struct Instruct {
  struct Options {
    std::string path;
    std::string test_path;
    double test = 0.05;
    int64_t length = 512;
    std::string form = "alpaca";
    std::string template_path;
    bool skip_bad = false;
    InstructionFields fields;
    Member tokenizer{Table{{"kind", "byte"}}};
    int64_t vocabulary = 0;
    void visit(Fields& field) {
      field("path", path, "JSONL or a JSON list; looked for in the folders with data, also as .gz or .xz", required());
      field("test_path", test_path, "the test's file; the share `test` at the end of `path` by default");
      field("test", test, "share of the rows kept for the test, at their end; validation lies before it",
            between(0, 0.9), effective_when(test_path.empty(), "test_path is set"));
      field("length", length, "tokens of an example; a longer answer is cut at its end, a longer prompt is an error",
            at_least(2));
      field("form", form, "how a conversation is written as one text; model: by the template that a model brings",
            one_of(form_names()));
      field("template", template_path,
            "the file of the model's template, in the language Jinja; by default what tokenizer_config.json or "
            "chat_template.jinja beside the tokenizer's file says",
            effective_when(form == kModel, "form is not model"));
      field("skip_bad", skip_bad, "leave rows out that cannot be used, and count them, instead of ending there");
      field("instruction", fields.instruction, "the field that says what to do");
      field("input", fields.input, "the field with what to do it with; may be missing");
      field("output", fields.output, "the field with the answer");
      field("messages", fields.messages, "the field with a whole conversation, in the place of those");
      field("tokenizer", tokenizer, "what the symbols are", member_of(tokenizers()));
      field("vocabulary", vocabulary, "different symbols that the texts must have; 0: as many as they have",
            at_least(0));
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    const auto own = own_template(options);
    const ChatTemplate& form = chat_template_named(own ? "plain" : options.form);
    int64_t num_skipped = 0;
    const auto rows = [&](const std::string& path) {
      return read_instructions(read(path, context), path, options.fields, form, options.skip_bad, &num_skipped);
    };
    auto train = rows(options.path);
    auto test = options.test_path.empty() ? std::vector<Instruction>() : rows(options.test_path);
    std::string text;
    for (const auto& row : train) text += own ? text_of(row, *own) : text_of(row, form);
    const Vocabulary words = learn_vocabulary(options.tokenizer, text, options.path);
    const auto found = static_cast<int64_t>(words.size());
    if (options.vocabulary > 0 && found != options.vocabulary)
      throw FormatError(kPlace, fmt::format("{}: expected {} different symbols, as data.vocabulary says, got {}",
                                            options.path, options.vocabulary, found));
    if (options.test_path.empty()) test = cut_off(train, options.test);
    auto valid = cut_off(train, context.validation);

    const auto tokenizer = tokenizers().make(options.tokenizer, words);
    int64_t num_cut = 0;
    std::array<std::vector<InstructionTokens>, 3> splits;
    size_t s = 0;
    for (const auto* part : {&train, &valid, &test}) {
      for (const auto& row : *part) {
        try {
          splits[s].push_back(own ? tokens_of(row, *tokenizer, words, *own, options.length)
                                  : tokens_of(row, *tokenizer, words, form, options.length));
          num_cut += splits[s].back().is_cut ? 1 : 0;
        } catch (const FormatError&) {
          if (!options.skip_bad) throw;
          ++num_skipped;
        }
      }
      ++s;
    }
    if (splits[0].empty()) throw FormatError(kPlace, options.path + ": expected rows to learn from, got none");
    if (num_skipped > 0)
      context.log.warning(fmt::format("{}: {} rows that cannot be used were left out (skip_bad)", options.path,
                                      with_commas(num_skipped)));
    if (num_cut > 0)
      context.log.note(fmt::format("{}: {} answers are cut at data.length = {} tokens", options.path,
                                   with_commas(num_cut), options.length));
    return std::make_unique<InstructionDataset>(std::move(splits), words, options.length, kPlace);
  }

  static DataShape shape(const Options& options) { return shape_before_reading(options.vocabulary, options.length); }
  static int64_t num_train(const Options&) { return 0; }  // unknown

 private:
  // The template that a model brings, where it is asked for.
  static std::optional<ModelTemplate> own_template(const Options& options) {
    if (options.form != kModel) return std::nullopt;
    const Value* path = options.tokenizer.settings.find("path");
    const bool is_file = options.tokenizer.kind == "file" && path && path->if_text();
    const std::string folder = is_file ? std::filesystem::path(*path->if_text()).parent_path().string() : "";
    const std::string& form = options.template_path;
    if (!form.empty()) return ModelTemplate(tokenizer_config_with(form, folder), form);
    if (!is_file)
      throw ConfigError(kPlace, "form",
                        "expected a tokenizer of kind \"file\", beside which the model's template lies, or "
                        "data.template; got neither");
    const std::string config = read_tokenizer_config(folder);
    if (config.empty())
      throw FormatError(kPlace, fmt::format("{}: expected a chat template in tokenizer_config.json or "
                                            "chat_template.jinja beside it, got none",
                                            *path->if_text()));
    return ModelTemplate(config, folder + ": chat template");
  }

  // The last of the rows, that share of them.
  static std::vector<Instruction> cut_off(std::vector<Instruction>& rows, double share) {
    const auto count = std::llround(share * static_cast<double>(rows.size()));
    std::vector<Instruction> cut(rows.end() - count, rows.end());
    rows.erase(rows.end() - count, rows.end());
    return cut;
  }

  static std::string read(const std::string& name, const DataContext& context) {
    return read_source_file(context, name, kPlace,
                            "Rows of {\"instruction\", \"output\"} will do: --set data.path=FILE");
  }
};

}  // namespace

DatasetKind dataset_kind_instruct() {
  return dataset_kind<Instruct>("instructions or conversations, of which a language model learns the answers");
}

}  // namespace heterodyne
