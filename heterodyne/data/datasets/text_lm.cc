// Text for language models: one file that is cut into splits, or a file for each split as they are published (Penn
// Treebank, WikiText).
#include <fmt/format.h>

#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/data/source_folder.h"
#include "heterodyne/data/text_set.h"

namespace heterodyne {
namespace {

constexpr const char* kWhere = "data.text_lm";

struct TextLm {
  struct Options {
    std::string path;
    std::string valid_path;
    std::string test_path;
    double test = 0.05;
    int64_t length = 50;
    Member tokenizer{Table{{"kind", "byte"}}};
    int64_t vocabulary = 0;
    void visit(Fields& field) {
      field("path", path, "the text, or the training text; looked for in the folders with data, also as .gz or .xz",
            required());
      field("valid_path", valid_path, "the validation text; the share `validation` of `path` by default");
      field("test_path", test_path, "the test text; the share `test` at the end of `path` by default");
      field("test", test, "share of the text kept for the test, at its end; validation lies before it", between(0, 0.9),
            effective_when(test_path.empty(), "test_path is set"));
      field("length", length, "tokens of a window, through which gradients flow", at_least(1));
      field("tokenizer", tokenizer, "what the symbols are", member_of(tokenizers()));
      field("vocabulary", vocabulary, "different symbols that the text must have; 0: as many as it has", at_least(0));
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    const std::string text = read(options.path, context);
    const std::string valid = options.valid_path.empty() ? "" : read(options.valid_path, context);
    const std::string test = options.test_path.empty() ? "" : read(options.test_path, context);
    TextSource source;
    source.vocabulary = learn_vocabulary(options.tokenizer, text, options.path);
    const auto found = static_cast<int64_t>(source.vocabulary.size());
    if (options.vocabulary > 0 && found != options.vocabulary) {
      throw FormatError(kWhere, fmt::format("{}: expected {} different symbols, as data.vocabulary says, got {}",
                                            options.path, options.vocabulary, found));
    }
    const auto tokenizer = tokenizers().make(options.tokenizer, source.vocabulary);
    const auto encode = [&](const std::string& part, const std::string& path) {
      return torch::tensor(tokenizer->encode(part, path), torch::kInt64);
    };
    const auto all = encode(text, options.path);
    const auto share_of = [&](double share) { return std::llround(share * static_cast<double>(all.numel())); };
    const int64_t num_test = options.test_path.empty() ? share_of(options.test) : 0;
    const int64_t num_valid = options.valid_path.empty() ? share_of(context.validation) : 0;
    const int64_t num_train = all.numel() - num_test - num_valid;
    if (num_train < 1) {
      throw ConfigError(kWhere, "test",
                        fmt::format("expected shares that leave training text, got {:g}, and validation = {:g}",
                                    options.test, context.validation));
    }
    source.tokens = {
        all.narrow(0, 0, num_train),
        options.valid_path.empty() ? all.narrow(0, num_train, num_valid) : encode(valid, options.valid_path),
        options.test_path.empty() ? all.narrow(0, num_train + num_valid, num_test) : encode(test, options.test_path)};
    source.batch = context.batch;
    source.length = options.length;
    source.where = kWhere;
    return std::make_unique<TextDataset>(std::move(source));
  }

  static DataShape shape(const Options& options) { return shape_before_reading(options.vocabulary, options.length); }
  static int64_t num_train(const Options&) { return 0; }  // unknown

 private:
  static std::string read(const std::string& name, const DataContext& context) {
    return read_source_file(context, name, kWhere, "Any plain text will do: --set data.path=FILE");
  }
};

}  // namespace

DatasetKind dataset_kind_text_lm() {
  return dataset_kind<TextLm>("a text whose next token is to be predicted, as characters or words");
}

}  // namespace heterodyne
