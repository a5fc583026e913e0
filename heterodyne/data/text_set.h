// TextDataset: a text as the examples of a language model: windows in which every token has the next one as its label.
//
// A split's tokens are cut into B contiguous streams of equal length, one for each place in a batch; batch w holds
// window w of every stream. Taken in order, each example continues the one at the same place of the batch before, so
// that a network can carry its state from batch to batch (truncated back-propagation through time).
//
// Letters: B streams (examples of a batch), S tokens of a window.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "heterodyne/data/dataset.h"
#include "heterodyne/data/tokenizer.h"

namespace heterodyne {

struct TextSource {
  std::array<torch::Tensor, 3> tokens;  // int64 [n], CPU, of the splits in their order; empty for a split without text
  Vocabulary vocabulary;
  int64_t batch = 1;   // B
  int64_t length = 1;  // S
  std::string where;   // "data.text_lm", for error texts
};

class TextDataset : public Dataset {
 public:
  /// Throws FormatError when a split has text, but less than B windows and the token after them.
  explicit TextDataset(TextSource source);

  int64_t size(Split split) const override;
  /// Example w x B + b is window w of stream b. inputs and label_B are [n, S].
  Batch get(Split split, const torch::Tensor& index_B) const override;
  /// A text's examples have no class: empty.
  torch::Tensor labels(Split split) const override;
  DataShape shape() const override;
  const std::vector<std::string>& class_names() const override { return no_names_; }
  const Vocabulary* vocabulary() const override { return &source_.vocabulary; }
  bool is_sequential() const override { return true; }

 private:
  const torch::Tensor& tokens(Split split) const { return source_.tokens[static_cast<size_t>(split)]; }
  int64_t num_windows(Split split) const;

  TextSource source_;
  std::vector<std::string> no_names_;
};

/// The shape of a text before it is read: with as many symbols as it is said to have, or, where that is 0, as there can
/// be bytes.
DataShape shape_before_reading(int64_t vocabulary, int64_t length);

}  // namespace heterodyne
