// InstructionDataset: conversations as the examples of a language model that learns the answers alone.
//
// An example is one text: prompts and answers in the frames of a chat template. Every token has the next one as its
// label, but for those of the prompts, whose label is kNotLearned. Examples of a batch are padded to the longest.
//
// Letters: B examples, S tokens of the longest of them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/data/chat_template.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/data/model_template.h"

namespace heterodyne {

/// The label of a token whose successor is not to be learned; losses and metrics leave it out.
constexpr int64_t kNotLearned = -100;

/// A conversation as read from a file.
struct Instruction {
  std::vector<ChatMessage> messages;  // the last one is the assistant's
  std::string where;                  // "alpaca.jsonl: line 7"
};

/// Which fields of a row hold what.
struct InstructionFields {
  std::string instruction = "instruction";
  std::string input = "input";  // may be missing or empty
  std::string output = "output";
  std::string messages = "messages";  // a list of {"role", "content"} in the place of those three
};

/// The rows of a JSONL text, or of a JSON list. `num_skipped` is told how many were left out with `skips_bad`; without,
/// throws FormatError naming the row that is no table, lacks a field, has a role that is not known, or ends in no
/// answer or an empty one.
std::vector<Instruction> read_instructions(std::string_view text, const std::string& file,
                                           const InstructionFields& fields, const ChatTemplate& form, bool skips_bad,
                                           int64_t* num_skipped);

/// One example: `ids` and, of each, whether it belongs to an answer.
struct InstructionTokens {
  std::vector<int64_t> ids;
  std::vector<bool> is_answer;
  bool is_cut = false;  // whether the end of the last answer was cut off
};

/// At most `most` + 1 ids. Where the template has no symbol at the end of an answer, the vocabulary's ends it, or what
/// the template says follows one. Throws FormatError naming the row when its prompts leave no room for an answer.
InstructionTokens tokens_of(const Instruction& instruction, const Tokenizer& tokenizer, const Vocabulary& vocabulary,
                            const ChatTemplate& form, int64_t most);

/// The same in the form of a template that a model brings: what it adds with each answer, to what it writes before the
/// answer with add_generation_prompt, is learned. Throws FormatError naming the row also when the template refuses the
/// conversation, or does not only add to what it wrote, so that answers cannot be told apart.
InstructionTokens tokens_of(const Instruction& instruction, const Tokenizer& tokenizer, const Vocabulary& vocabulary,
                            const ModelTemplate& form, int64_t most);

/// All of a conversation as text, from which a vocabulary may be learned.
std::string text_of(const Instruction& instruction, const ChatTemplate& form);
/// The same by a model's own template; "" where it refuses, which tokens_of() tells.
std::string text_of(const Instruction& instruction, const ModelTemplate& form);

class InstructionDataset : public Dataset {
 public:
  InstructionDataset(std::array<std::vector<InstructionTokens>, 3> splits, Vocabulary vocabulary, int64_t length,
                     std::string where);

  int64_t size(Split split) const override { return static_cast<int64_t>(examples(split).size()); }
  /// inputs and label_B [B, S], mask_BS where examples are of different lengths.
  Batch get(Split split, const torch::Tensor& index_B) const override;
  torch::Tensor labels(Split split) const override;
  DataShape shape() const override;
  const std::vector<std::string>& class_names() const override { return no_names_; }
  const Vocabulary* vocabulary() const override { return &vocabulary_; }

 private:
  const std::vector<InstructionTokens>& examples(Split split) const { return splits_[static_cast<size_t>(split)]; }

  std::array<std::vector<InstructionTokens>, 3> splits_;
  Vocabulary vocabulary_;
  int64_t length_;
  std::string where_;
  std::vector<std::string> no_names_;
};

}  // namespace heterodyne
