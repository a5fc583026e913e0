// PairDataset: images that fit into memory and texts about them, each text with a class: questions about pictures and
// their answers. Several texts may be about one image.
//
// Letters: M images, N texts, B examples of a batch, S tokens of a text, C channels, H x W pixels.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/data/dataset.h"
#include "heterodyne/data/image_set.h"

namespace heterodyne {

/// CPU, contiguous.
struct PairSet {
  torch::Tensor pixel_MCHW;  // uint8
  torch::Tensor token_NS;    // int64, ids from the left, 0 behind them
  torch::Tensor length_N;    // int64, how many of them are the text
  torch::Tensor image_N;     // int64, 0 <= image < M
  torch::Tensor label_N;     // int64

  int64_t size() const { return label_N.size(0); }
};

/// A question as words for a tokenizer that splits at spaces, in lower case, marks as words: "What is it?" to
/// "what is it ?". Throws FormatError naming `where` unless it is UTF-8.
std::string question_words(std::string_view question, const std::string& where);

/// What a PairDataset is made of.
struct PairSource {
  PairSet train;
  std::function<PairSet()> load_test;  // called once, when the test split is first asked for
  std::vector<std::string> class_names;
  std::vector<std::string> class_types;
  Vocabulary vocabulary;
  Normalize normalize;
  double validation = 0.1;
};

/// All texts about round(validation * M) of the training images are the validation split, so that no image is in both.
/// Which ones is drawn from the stream "data.split" with seed 0. Both splits keep the order of the file.
class PairDataset : public Dataset {
 public:
  /// All texts must have as many places for tokens, all images one size.
  explicit PairDataset(PairSource source);

  int64_t size(Split split) const override;
  /// Sets text_BS and mask_BS too. On the calling thread alone.
  Batch get(Split split, const torch::Tensor& index_B) const override;
  torch::Tensor labels(Split split) const override;
  DataShape shape() const override;
  const std::vector<std::string>& class_names() const override { return source_.class_names; }
  std::vector<std::string> class_types() const override { return source_.class_types; }
  const Vocabulary* vocabulary() const override { return &source_.vocabulary; }

 private:
  struct Part {
    PairSet pairs;
    torch::Tensor place_N;  // of the split's examples among the pairs
  };
  const Part& part(Split split) const;
  torch::Tensor images(const PairSet& pairs, const torch::Tensor& image_B) const;

  PairSource source_;
  Part train_, valid_;
  mutable std::mutex test_mutex_;
  mutable std::unique_ptr<Part> test_;
};

}  // namespace heterodyne
