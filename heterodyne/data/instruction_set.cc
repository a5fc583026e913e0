#include "heterodyne/data/instruction_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/json_lines.h"

namespace heterodyne {
namespace {

bool is_blank(const std::string& text) { return without_space_around(text).empty(); }

// The instruction with its input, as the template's models know it.
std::string with_input(const std::string& instruction, const std::string& input, const ChatTemplate& form) {
  if (is_blank(input)) return instruction;
  return instruction + (form.name == "alpaca" ? "\n\n### Input:\n" : "\n\n") + input;
}

std::vector<ChatMessage> messages_of(const Table& row, const InstructionFields& fields, const ChatTemplate& form,
                                     const std::string& where) {
  if (!row.contains(fields.messages)) {
    const Value* input = row.find(fields.input);
    const std::string text = input && input->if_text() ? *input->if_text() : "";
    return {{"user", with_input(io::text_at(row, fields.instruction, where), text, form)},
            {"assistant", io::text_at(row, fields.output, where)}};
  }
  std::vector<ChatMessage> messages;
  for (const Value& item : io::array_at(row, fields.messages, where)) {
    if (!item.if_table())
      throw FormatError::in_file(where, fields.messages + ": expected tables, got " + item.type_name());
    const std::string& role = io::text_at(*item.if_table(), "role", where);
    if (role != "system" && role != "user" && role != "assistant")
      throw FormatError::in_file(where, "role: expected system, user or assistant, got \"" + role + "\"");
    messages.push_back({role, io::text_at(*item.if_table(), "content", where)});
  }
  return messages;
}

Instruction instruction_of(const Table& row, const InstructionFields& fields, const ChatTemplate& form,
                           const std::string& where) {
  Instruction instruction{messages_of(row, fields, form, where), where};
  const auto& messages = instruction.messages;
  if (messages.size() < 2 || messages.back().role != "assistant")
    throw FormatError::in_file(where, "expected a conversation that ends in an answer, got another");
  for (const auto& message : messages) {
    if (message.role == "assistant" && is_blank(message.text))
      throw FormatError::in_file(where, fields.output + ": expected an answer, got an empty one");
  }
  return instruction;
}

// What stands before the answer, as opened() leaves it out there: it belongs to the answer's first symbol.
std::string space_before_answer(const ChatTemplate& form) {
  const std::string& before = form.assistant.before;
  return before.substr(before.find_last_not_of(' ') + 1);
}

std::string answer_text(const ChatMessage& message, const ChatTemplate& form) {
  return space_before_answer(form) + without_space_around(message.text) + form.assistant.behind;
}

void append(InstructionTokens& tokens, const std::vector<int64_t>& ids, bool is_answer) {
  tokens.ids.insert(tokens.ids.end(), ids.begin(), ids.end());
  tokens.is_answer.resize(tokens.ids.size(), is_answer);
}

void check_prompt(const std::string& where, int64_t num_before, int64_t most) {
  if (num_before <= most) return;
  throw FormatError::in_file(
      where, fmt::format("expected a prompt of at most the {} tokens that the model reads, got {}", most, num_before));
}

void cut_tokens(InstructionTokens& tokens, int64_t most) {
  tokens.is_cut = static_cast<int64_t>(tokens.ids.size()) > most + 1;
  if (!tokens.is_cut) return;
  tokens.ids.resize(static_cast<size_t>(most + 1));
  tokens.is_answer.resize(static_cast<size_t>(most + 1));
}

// The tokens of a conversation that a model's own template writes, prefix by prefix.
class PrefixWriter {
 public:
  PrefixWriter(const std::string& where, const Tokenizer& tokenizer, const Vocabulary& vocabulary,
               const ModelTemplate& form)
      : where_(where), tokenizer_(tokenizer), vocabulary_(vocabulary), form_(form) {}

  // What the template adds for these messages. An answer's text has to come after what opens it.
  void add(const std::vector<ChatMessage>& messages, bool is_answer) {
    const std::string text = rendered(messages, !is_answer);
    if (!text.starts_with(written_) || (is_answer && text.size() == written_.size()))
      throw FormatError::in_file(
          where_, fmt::format("expected a chat template that goes on from what it wrote before, so that answers can be "
                              "told apart; {} message {} it writes another text",
                              is_answer ? "with" : "before", messages.size() + (is_answer ? 0 : 1)));
    append(tokens, form_.ids_of(std::string_view(text).substr(written_.size()), tokenizer_, vocabulary_, where_),
           is_answer);
    written_ = text;
  }

  InstructionTokens tokens;

 private:
  std::string rendered(const std::vector<ChatMessage>& messages, bool opens_answer) const {
    try {
      return form_.render(messages, opens_answer);
    } catch (const FormatError& error) {
      throw FormatError::in_file(where_, error.what());
    }
  }

  const std::string& where_;
  const Tokenizer& tokenizer_;
  const Vocabulary& vocabulary_;
  const ModelTemplate& form_;
  std::string written_;
};

}  // namespace

std::vector<Instruction> read_instructions(std::string_view text, const std::string& file,
                                           const InstructionFields& fields, const ChatTemplate& form, bool skips_bad,
                                           int64_t* num_skipped) {
  std::vector<Instruction> all;
  const int64_t skipped = io::each_json_row(text, file, skips_bad, [&](const Table& row, const std::string& where) {
    all.push_back(instruction_of(row, fields, form, where));
  });
  if (num_skipped) *num_skipped += skipped;
  return all;
}

std::string text_of(const Instruction& instruction, const ChatTemplate& form) {
  auto prompts = instruction.messages;
  const ChatMessage answer = prompts.back();
  prompts.pop_back();
  return form.opened(prompts) + answer_text(answer, form);
}

std::string text_of(const Instruction& instruction, const ModelTemplate& form) {
  try {
    return form.render(instruction.messages, false);
  } catch (const FormatError&) {
    return "";
  }
}

InstructionTokens tokens_of(const Instruction& instruction, const Tokenizer& tokenizer, const Vocabulary& vocabulary,
                            const ChatTemplate& form, int64_t most) {
  const auto endings = ending_ids(vocabulary);
  InstructionTokens tokens;
  std::vector<ChatMessage> prompts;
  for (const auto& message : instruction.messages) {
    if (message.role != "assistant") {
      prompts.push_back(message);
      continue;
    }
    const std::string prompt = form.opened(prompts);
    append(tokens,
           tokens.ids.empty() ? opening_ids(tokenizer, vocabulary, form, prompt, instruction.where)
                              : tokenizer.encode(prompt, instruction.where),
           false);
    const auto num_before = static_cast<int64_t>(tokens.ids.size());
    const bool is_last = &message == &instruction.messages.back();
    std::string answer = answer_text(message, form);
    // Where no symbol ends an answer, what follows one is learned with it, so that the model can end.
    if (is_last && !form.stop.empty() && endings.empty())
      answer = answer.substr(0, answer.size() - form.assistant.behind.size()) + form.stop;
    append(tokens, tokenizer.encode(answer, instruction.where), true);
    if (!form.stop.empty() && !endings.empty()) append(tokens, {endings.front()}, true);
    prompts.clear();
    if (is_last) check_prompt(instruction.where, num_before, most);
  }
  cut_tokens(tokens, most);
  return tokens;
}

InstructionTokens tokens_of(const Instruction& instruction, const Tokenizer& tokenizer, const Vocabulary& vocabulary,
                            const ModelTemplate& form, int64_t most) {
  PrefixWriter writer(instruction.where, tokenizer, vocabulary, form);
  std::vector<ChatMessage> messages;
  size_t num_before = 0;
  for (const auto& message : instruction.messages) {
    const bool is_answer = message.role == "assistant";
    if (is_answer) {
      writer.add(messages, false);
      num_before = writer.tokens.ids.size();
    }
    messages.push_back(message);
    if (is_answer) writer.add(messages, true);
  }
  check_prompt(instruction.where, static_cast<int64_t>(num_before), most);
  cut_tokens(writer.tokens, most);
  return std::move(writer.tokens);
}

InstructionDataset::InstructionDataset(std::array<std::vector<InstructionTokens>, 3> splits, Vocabulary vocabulary,
                                       int64_t length, std::string where)
    : splits_(std::move(splits)), vocabulary_(std::move(vocabulary)), length_(length), where_(std::move(where)) {}

Batch InstructionDataset::get(Split split, const torch::Tensor& index_B) const {
  const int64_t B = index_B.size(0), num_examples = size(split);
  const auto index = index_B.contiguous();
  const int64_t* at = index.const_data_ptr<int64_t>();
  int64_t S = 0;
  for (int64_t b = 0; b < B; ++b) {
    if (at[b] < 0 || at[b] >= num_examples)
      throw ShapeError(where_, fmt::format("index: expected 0 .. {}, got {}", num_examples - 1, at[b]));
    S = std::max(S, static_cast<int64_t>(examples(split)[static_cast<size_t>(at[b])].ids.size()) - 1);
  }
  Batch batch;
  batch.inputs = torch::zeros({B, S}, torch::kInt64);
  batch.label_B = torch::full({B, S}, kNotLearned, torch::kInt64);
  batch.index_B = index_B;
  auto mask_BS = torch::ones({B, S}, torch::kBool);
  int64_t *input = batch.inputs.data_ptr<int64_t>(), *label = batch.label_B.data_ptr<int64_t>();
  for (int64_t b = 0; b < B; ++b) {
    const auto& example = examples(split)[static_cast<size_t>(at[b])];
    const auto length = static_cast<int64_t>(example.ids.size()) - 1;
    for (int64_t s = 0; s < length; ++s) {
      const auto i = static_cast<size_t>(s);
      input[b * S + s] = example.ids[i];
      if (example.is_answer[i + 1]) label[b * S + s] = example.ids[i + 1];
    }
    if (length == S) continue;
    mask_BS[b].narrow(0, length, S - length).fill_(false);
    batch.mask_BS = mask_BS;
  }
  return batch;
}

torch::Tensor InstructionDataset::labels(Split) const { return torch::zeros({0}, torch::kInt64); }

DataShape InstructionDataset::shape() const {
  DataShape shape;
  shape.vocabulary = shape.num_classes = static_cast<int64_t>(vocabulary_.size());
  shape.length = length_;
  return shape;
}

}  // namespace heterodyne
