// Texts, or pairs of texts, from tab-separated files as GLUE (Wang et al. 2019) and GLUE-X (Yang et al. 2023) have
// them, with a class each, or with a number.
//
// Nothing is quoted in such files: quotation marks belong to the texts. Some have a line of names, some have not.
#include <utility>

#include "heterodyne/data/class_cut.h"
#include "heterodyne/data/classified_texts.h"
#include "heterodyne/data/source_folder.h"

namespace heterodyne {
namespace {

constexpr const char* kPairTsv = "data.pair_tsv";

struct PairTsv {
  struct Options {
    std::string path;
    std::string test_path;
    bool header = true;
    std::string text;
    std::string second_text;
    std::string label;
    std::vector<std::string> classes;
    int64_t first_label = 0;
    int64_t length = 128;
    Member tokenizer{Table{{"kind", "word"}, {"most", 20000}}};
    void visit(Fields& field) {
      field("path", path, "the examples for training; looked for in the folders with data, also as .gz or .xz",
            required());
      field("test_path", test_path, "the examples for the test", required());
      field("header", header, "whether the first line names the columns");
      field("text", text, "the column of the text; columns without names are counted from 0", required());
      field("second_text", second_text, "the column of the other text of a pair; by default there is none");
      field("label", label, "the column of the class or number", required());
      field("classes", classes,
            "the names of the classes, in the order of their numbers; [] where each example has a real number",
            list_or_none());
      field("first_label", first_label, "number of the first class in the files",
            effective_when(!classes.empty(), "classes = []"));
      field("length", length, "symbols of an example at most, those around its texts included; the longer text is cut",
            at_least(4));
      field("tokenizer", tokenizer, "what the symbols are", member_of(tokenizers()));
    }
  };

  static std::unique_ptr<Dataset> make(const Options& options, const DataContext& context) {
    if (!options.classes.empty()) check_class_names(options.classes, kPairTsv);
    ClassifiedTextSource source;
    source.class_names = options.classes;
    source.train = read(options.path, options, context);
    source.load_test = [options, context] { return read(options.test_path, options, context); };
    source.validation = context.validation;
    source.per_class = context.per_class;
    source.has_pairs = !options.second_text.empty();
    source.length = options.length;
    source.lower_words = false;
    source.tokenizer = options.tokenizer;
    source.vocabulary = context.vocabulary;
    source.where = kPairTsv;
    return std::make_unique<ClassifiedTexts>(std::move(source));
  }

  static DataShape shape(const Options& options) {
    if (!options.classes.empty()) check_class_names(options.classes, kPairTsv);
    return classified_shape(options.classes, options.length, options.tokenizer);
  }
  static int64_t num_train(const Options&) { return 0; }  // unknown

 private:
  static constexpr const char* kHint = "docs/glue.md says how the files may look: --set data.path=FILE";

  static std::vector<LabelledText> read(const std::string& name, const Options& options, const DataContext& context) {
    const TextFields fields{"tsv",          options.header,      options.label,
                            {options.text}, options.first_label, options.second_text};
    return read_labelled_texts(read_source_file(context, name, kPairTsv, kHint), name, fields, options.classes);
  }
};

}  // namespace

DatasetKind dataset_kind_pair_tsv() {
  return dataset_kind<PairTsv>("texts or pairs of texts with a class or a number each, as GLUE's files have them");
}

}  // namespace heterodyne
