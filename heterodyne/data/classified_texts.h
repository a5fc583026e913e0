// ClassifiedTexts: texts, or pairs of texts, with a class or a number each, as batches of symbols that are padded to
// the longest among them.
//
// Letters: N texts of a file, B texts of a batch, S symbols of the longest.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "heterodyne/data/dataset.h"
#include "heterodyne/data/labelled_texts.h"

namespace heterodyne {

/// What a ClassifiedTexts is made of.
struct ClassifiedTextSource {
  std::vector<LabelledText> train;
  std::function<std::vector<LabelledText>()> load_test;  // called once, when the test split is first asked for
  std::vector<std::string> class_names;                  // none: each text has a number
  double validation = 0.1;
  PerClass per_class = {};
  bool has_pairs = false;      // each text has a second one
  int64_t length = 256;        // S: longer texts are cut at their ends, of a pair the longer one first
  bool lower_words = true;     // see words_of()
  Vocabulary vocabulary = {};  // empty: learned from the training split alone
  Member tokenizer{Table{{"kind", "word"}}};
  std::string where = "data.text_classes";  // for error texts
};

/// The text as words for a tokenizer that splits at spaces: each longest run of letters, marks, digits and underscores
/// (what \b\w+\b finds), lower-cased, joined by single spaces.
std::string words_of(std::string_view text);

/// The shape before texts are read: as many symbols as the tokenizer may learn. A single class stands for numbers.
DataShape classified_shape(const std::vector<std::string>& class_names, int64_t length, const Member& tokenizer);

/// inputs of a batch are ids [B, S] with mask_BS false at padding, whose id is 0; S depends on the batch. Of pairs they
/// are ids and which of the two texts each is of, [B, S, 2]. What the tokenizer puts around texts is there whole, when
/// texts are cut too. A text without any symbol is one of id 0. Where texts have numbers label_B is those, float32 [B].
class ClassifiedTexts : public Dataset {
 public:
  /// Cuts the splits as class_cut.h says, then learns the vocabulary where there is none: of the training split after
  /// that cut, so neither validation nor test texts have a say in it. Throws ConfigError when a class has too few
  /// texts, FormatError as the tokenizer does.
  explicit ClassifiedTexts(ClassifiedTextSource source);

  int64_t size(Split split) const override;
  Batch get(Split split, const torch::Tensor& index_B) const override;
  torch::Tensor labels(Split split) const override;
  DataShape shape() const override;
  const std::vector<std::string>& class_names() const override { return source_.class_names; }
  const Vocabulary* vocabulary() const override { return &source_.vocabulary; }

 private:
  struct Part {
    std::vector<FramedText> texts;
    std::vector<int64_t> labels;  // all 0 where texts have numbers
    std::vector<float> targets;
  };
  bool has_numbers() const { return source_.class_names.empty(); }
  std::string prepared(const std::string& text) const;
  FramedText framed(const LabelledText& text) const;
  void learn(const std::vector<int64_t>& places);
  Part encode(const std::vector<LabelledText>& texts, const std::vector<int64_t>& places) const;
  const Part& part(Split split) const;

  ClassifiedTextSource source_;
  std::shared_ptr<Tokenizer> tokenizer_;
  Part train_, valid_;
  mutable std::mutex test_mutex_;
  mutable std::unique_ptr<Part> test_;
};

}  // namespace heterodyne
