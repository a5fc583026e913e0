#include "heterodyne/data/chat_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

constexpr std::array<std::string_view, 6> kEndings = {"<|eot_id|>",    "<|im_end|>", "<|end_of_text|>",
                                                      "<|endoftext|>", "</s>",       "<|return|>"};

ChatTemplate::Frame llama3_frame(const std::string& role) {
  return {"<|start_header_id|>" + role + "<|end_header_id|>\n\n", "<|eot_id|>"};
}

ChatTemplate::Frame chatml_frame(const std::string& role) { return {"<|im_start|>" + role + "\n", "<|im_end|>\n"}; }

std::vector<ChatTemplate> all_templates() {
  std::vector<ChatTemplate> all;
  all.push_back(
      {"llama3", "<|begin_of_text|>", llama3_frame("system"), llama3_frame("user"), llama3_frame("assistant"), ""});
  all.push_back({"chatml", "", chatml_frame("system"), chatml_frame("user"), chatml_frame("assistant"), ""});
  all.push_back(
      {"alpaca", "", {"", "\n\n"}, {"### Instruction:\n", "\n\n"}, {"### Response:\n", "\n\n"}, "\n### Instruction:"});
  all.push_back({"plain", "", {"", "\n"}, {"User: ", "\n"}, {"Assistant: ", "\n"}, "\nUser:"});
  return all;
}

const std::vector<ChatTemplate>& templates() {
  static const std::vector<ChatTemplate> all = all_templates();
  return all;
}

}  // namespace

int64_t symbol_id(const Vocabulary& vocabulary, std::string_view symbol) {
  const auto found = std::find(vocabulary.begin(), vocabulary.end(), symbol);
  return found == vocabulary.end() ? -1 : found - vocabulary.begin();
}

std::string without_space_around(const std::string& text) {
  const char* space = " \t\n\v\f\r";
  const size_t first = text.find_first_not_of(space);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(space) - first + 1);
}

const ChatTemplate::Frame& ChatTemplate::frame(const std::string& role) const {
  if (role == "system") return system;
  return role == "user" ? user : assistant;
}

std::string ChatTemplate::opened(const std::vector<ChatMessage>& messages) const {
  std::string text;
  for (const auto& message : messages) {
    const Frame& around = frame(message.role);
    text += around.before + without_space_around(message.text) + around.behind;
  }
  // A space before the answer belongs to its first symbol.
  return text + assistant.before.substr(0, assistant.before.find_last_not_of(' ') + 1);
}

const std::vector<std::string>& chat_template_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& one : templates()) all.push_back(one.name);
    return all;
  }();
  return names;
}

const ChatTemplate& chat_template_named(const std::string& name) {
  for (const auto& one : templates()) {
    if (one.name == name) return one;
  }
  const std::string close = nearest(name, chat_template_names());
  throw ConfigError("chat", "template",
                    fmt::format("expected one of {}, got \"{}\"{}", join(chat_template_names()), name,
                                close.empty() ? "" : "; nearest: \"" + close + "\""));
}

const ChatTemplate& chat_template_for(const Vocabulary& vocabulary) {
  if (symbol_id(vocabulary, "<|start_header_id|>") >= 0) return chat_template_named("llama3");
  return chat_template_named(symbol_id(vocabulary, "<|im_start|>") >= 0 ? "chatml" : "plain");
}

std::vector<int64_t> opening_ids(const Tokenizer& tokenizer, const Vocabulary& vocabulary, const ChatTemplate& form,
                                 const std::string& text, const std::string& where) {
  const auto ids = tokenizer.encode(text, where);
  std::vector<int64_t> framed = tokenizer.framed(ids).ids;
  const auto text_begin = std::search(framed.begin(), framed.end(), ids.begin(), ids.end());
  framed.erase(std::min(framed.end(), text_begin + static_cast<std::ptrdiff_t>(ids.size())), framed.end());
  const int64_t begin = form.begin.empty() ? -1 : symbol_id(vocabulary, form.begin);
  if (begin >= 0 && (framed.empty() || framed.front() != begin)) framed.insert(framed.begin(), begin);
  return framed;
}

std::vector<int64_t> ending_ids(const Vocabulary& vocabulary) {
  std::vector<int64_t> ids;
  for (const auto symbol : kEndings) {
    const int64_t id = symbol_id(vocabulary, symbol);
    if (id >= 0) ids.push_back(id);
  }
  return ids;
}

}  // namespace heterodyne
