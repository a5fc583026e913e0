// Texts that belong to a class each, in a file for training and one for the test: AG's News (Zhang, Zhao and LeCun
// 2015), the movie reviews of Maas et al. (2011), and whatever lies like them.
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/data/class_cut.h"
#include "heterodyne/data/classified_texts.h"
#include "heterodyne/data/source_folder.h"

namespace heterodyne {
namespace {

constexpr const char* kTextClasses = "data.text_classes";

struct TextClasses {
  struct Options {
    std::string path;
    std::string test_path;
    std::vector<std::string> classes;
    TextFields fields;
    int64_t length = 256;
    std::string words = "lower";
    Member tokenizer{Table{{"kind", "word"}, {"most", 20000}}};
    std::string vocabulary;
    void visit(Fields& field) {
      field("path", path, "the texts for training; looked for in the folders with data, also as .gz or .xz",
            required());
      field("test_path", test_path, "the texts for the test", required());
      field("classes", classes, "the names of the classes, in the order of their numbers", required());
      field("fields", fields, "where the files have what");
      field("length", length, "symbols of a text at most; what is longer is cut", at_least(1));
      field("words", words,
            "lower: runs of letters, digits and underscores, lower-cased, all else left out; as_is: the text",
            one_of("lower", "as_is"));
      field("tokenizer", tokenizer, "what the symbols are", member_of(tokenizers()));
      field(
          "vocabulary", vocabulary,
          "a file with a symbol on each line, such as a run's vocabulary.txt; by default the symbols are learned from "
          "the training texts");
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    check_class_names(options.classes, kTextClasses);
    ClassifiedTextSource source;
    source.class_names = options.classes;
    source.train = read(options.path, options, context);
    source.load_test = [options, context] { return read(options.test_path, options, context); };
    source.validation = context.validation;
    source.per_class = context.per_class;
    source.length = options.length;
    source.lower_words = options.words == "lower";
    source.tokenizer = options.tokenizer;
    source.vocabulary = context.vocabulary;
    if (source.vocabulary.empty() && !options.vocabulary.empty()) source.vocabulary = symbols_in(options, context);
    source.where = kTextClasses;
    return std::make_unique<ClassifiedTexts>(std::move(source));
  }

  static DataShape shape(const Options& options) {
    check_class_names(options.classes, kTextClasses);
    return classified_shape(options.classes, options.length, options.tokenizer);
  }
  static int64_t num_train(const Options&) { return 0; }  // unknown

 private:
  static constexpr const char* kHint = "docs/data.md says how the files may look: --set data.path=FILE";

  static std::vector<LabelledText> read(const std::string& name, const Options& options, const DataContext& context) {
    return read_labelled_texts(read_source_file(context, name, kTextClasses, kHint), name, options.fields,
                               options.classes);
  }

  static Vocabulary symbols_in(const Options& options, const DataContext& context) {
    const std::string text =
        read_source_file(context, options.vocabulary, kTextClasses, "A run of texts has one: RUN/vocabulary.txt");
    auto symbols = vocabulary_of_lines(text);
    if (symbols.empty()) throw FormatError::in_file(options.vocabulary, "expected a symbol on each line, got nothing");
    return symbols;
  }
};

}  // namespace

DatasetKind dataset_kind_text_classes() {
  return dataset_kind<TextClasses>("texts with a class each, from CSV or JSON lines, read as words");
}

}  // namespace heterodyne
