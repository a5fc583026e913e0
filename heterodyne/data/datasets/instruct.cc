// Instructions and conversations with their answers, of which the answers alone are learned (Wei et al. 2022,
// "Finetuned language models are zero-shot learners"; the fields of Taori et al. 2023, Alpaca).
#include <fmt/format.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/instruction_set.h"
#include "heterodyne/data/source_folder.h"

namespace heterodyne {
namespace {

constexpr const char* kPlace = "data.instruct";

struct Instruct {
  struct Options {
    std::string path;
    std::string test_path;
    double test = 0.05;
    int64_t length = 512;
    std::string form = "alpaca";
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
      field("form", form, "how a conversation is written as one text", one_of(chat_template_names()));
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
    const ChatTemplate& form = chat_template_named(options.form);
    int64_t num_skipped = 0;
    const auto rows = [&](const std::string& path) {
      return read_instructions(read(path, context), path, options.fields, form, options.skip_bad, &num_skipped);
    };
    auto train = rows(options.path);
    auto test = options.test_path.empty() ? std::vector<Instruction>() : rows(options.test_path);
    std::string text;
    for (const auto& row : train) text += text_of(row, form);
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
          splits[s].push_back(tokens_of(row, *tokenizer, words, form, options.length));
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

  // Without the file the vocabulary is what it is said to be, or the largest there can be.
  static DataShape shape(const Options& options) {
    constexpr int64_t kBytes = 256;
    DataShape shape;
    shape.vocabulary = shape.num_classes = options.vocabulary > 0 ? options.vocabulary : kBytes;
    shape.length = options.length;
    return shape;
  }
  static int64_t num_train(const Options&) { return 0; }  // unknown

 private:
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
