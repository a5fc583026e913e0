// ClassifiedTexts: texts with a class each, as batches of symbols that are padded to the longest text among them.
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
  std::vector<std::string> class_names;
  double validation = 0.1;
  PerClass per_class = {};
  int64_t length = 256;        // S: longer texts are cut at their ends
  bool lower_words = true;     // see words_of()
  Vocabulary vocabulary = {};  // empty: learned from the training split alone
  Member tokenizer{Table{{"kind", "word"}}};
  std::string where = "data.text_classes";  // for error texts
};

/// The text as words for a tokenizer that splits at spaces: each longest run of letters, marks, digits and underscores
/// (what \b\w+\b finds), lower-cased, joined by single spaces.
std::string words_of(std::string_view text);

/// inputs of a batch are ids [B, S] with mask_BS false at padding, whose id is 0; S depends on the batch. A text
/// without any symbol is one of id 0.
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
    std::vector<std::vector<int64_t>> ids;
    std::vector<int64_t> labels;
  };
  std::string prepared(const LabelledText& text) const;
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
