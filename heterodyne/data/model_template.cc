#include "heterodyne/data/model_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr const char *kTokenizerConfig = "tokenizer_config.json", *kTemplateFile = "chat_template.jinja",
                     *kTemplate = "chat_template", *kDefault = "default";

// A symbol is text, or a table with its text as "content".
const std::string* symbol_text(const Value& value) {
  if (value.if_text()) return value.if_text();
  const Value* content = value.if_table() ? value.if_table()->find("content") : nullptr;
  return content ? content->if_text() : nullptr;
}

Table symbols_of(const Table& config) {
  Table symbols;
  for (const auto& [key, value] : config.entries()) {
    const std::string* text = symbol_text(value);
    if (key.ends_with("_token") && text) symbols.set(key, *text);
  }
  return symbols;
}

// The one template, or of several the one that counts; "" for none.
std::string template_in(const Table& config, const std::string& where) {
  const Value* found = config.find(kTemplate);
  if (!found || found->is_null()) return "";
  if (found->if_text()) return *found->if_text();
  if (!found->if_array())
    throw FormatError::in_file(where,
                               fmt::format("{}: expected text or a list, got {}", kTemplate, found->type_name()));
  for (const Value& one : *found->if_array()) {
    if (!one.if_table())
      throw FormatError::in_file(where, fmt::format("{}: expected tables, got {}", kTemplate, one.type_name()));
    if (io::text_at(*one.if_table(), "name", where) == kDefault) return io::text_at(*one.if_table(), "template", where);
  }
  return "";
}

std::string file_beside(const std::string& folder, const char* name) { return (fs::path(folder) / name).string(); }

Table config_in(const std::string& folder) {
  const std::string path = file_beside(folder, kTokenizerConfig);
  return fs::exists(path) ? io::parse_json_table(io::read_file(path), path) : Table();
}

// What is kept of a tokenizer's configuration, with this template.
std::string config_text(const Table& config, const std::string& template_text) {
  Table kept = symbols_of(config);
  const Value* kind = config.find("tokenizer_class");
  if (kind && kind->if_text()) kept.set("tokenizer_class", *kind);
  kept.set(kTemplate, template_text);
  return io::write_json(kept, 2) + "\n";
}

jinja::Template template_of(const std::string& config, const std::string& where) {
  const std::string text = template_in(io::parse_json_table(config, where), where);
  if (text.empty()) throw FormatError(where, "expected a chat template, got none");
  return {text, where};
}

}  // namespace

std::string read_tokenizer_config(const std::string& folder) {
  const std::string file = file_beside(folder, kTemplateFile);
  const Table config = config_in(folder);
  const std::string text =
      fs::exists(file) ? io::read_file(file) : template_in(config, file_beside(folder, kTokenizerConfig));
  return text.empty() ? "" : config_text(config, text);
}

std::string tokenizer_config_with(const std::string& template_path, const std::string& folder) {
  const bool is_there = !folder.empty() && fs::exists(file_beside(folder, kTokenizerConfig));
  return config_text(config_in(is_there ? folder : fs::path(template_path).parent_path().string()),
                     io::read_file(template_path));
}

ModelTemplate::ModelTemplate(const std::string& config, const std::string& where)
    : ModelTemplate(template_of(config, where), symbols_of(io::parse_json_table(config, where))) {}

ModelTemplate ModelTemplate::of_file(const std::string& path, const std::string& config) {
  const Table symbols =
      config.empty() ? config_in(fs::path(path).parent_path().string()) : io::parse_json_table(config, path);
  return {jinja::Template(io::read_file(path), path), symbols_of(symbols)};
}

std::string ModelTemplate::render(const std::vector<ChatMessage>& messages, bool opens_answer,
                                  const std::optional<std::tm>& now) const {
  Array all;
  for (const auto& message : messages) all.emplace_back(Table{{"role", message.role}, {"content", message.text}});
  Table names = symbols_;
  names.set("messages", std::move(all));
  names.set("add_generation_prompt", opens_answer);
  for (const char* absent : {"tools", "documents"}) names.set(absent, Value());
  return form_.render(names, now);
}

std::vector<int64_t> ModelTemplate::ids_of(std::string_view text, const Tokenizer& tokenizer,
                                           const Vocabulary& vocabulary, const std::string& where) const {
  // Symbols that the tokenizer takes for text.
  std::vector<std::pair<std::string, int64_t>> apart;
  for (const auto& [name, value] : symbols_.entries()) {
    const std::string& symbol = *value.if_text();
    const int64_t id = symbol.empty() ? -1 : symbol_id(vocabulary, symbol);
    if (id >= 0 && tokenizer.encode(symbol, where) != std::vector<int64_t>{id}) apart.emplace_back(symbol, id);
  }
  std::vector<int64_t> ids;
  while (!text.empty()) {
    size_t first = text.size();
    const std::pair<std::string, int64_t>* next = nullptr;
    for (const auto& one : apart) {
      const size_t found = text.find(one.first);
      if (found < first) first = found, next = &one;
    }
    if (first > 0) {
      const auto part = tokenizer.encode(text.substr(0, first), where);
      ids.insert(ids.end(), part.begin(), part.end());
    }
    if (next) ids.push_back(next->second);
    text.remove_prefix(first + (next ? next->first.size() : 0));
  }
  return ids;
}

std::vector<int64_t> ModelTemplate::endings(const Vocabulary& vocabulary) const {
  auto ids = ending_ids(vocabulary);
  const Value* eos = symbols_.find("eos_token");
  const int64_t id = eos ? symbol_id(vocabulary, *eos->if_text()) : -1;
  if (id >= 0 && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.insert(ids.begin(), id);
  return ids;
}

}  // namespace heterodyne
