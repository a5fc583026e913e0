// ModelTemplate: the chat template that a model brings, in the language Jinja (jinja/template.h), with the special
// symbols that it speaks of.
//
// Other software keeps both beside the tokenizer: tokenizer_config.json with chat_template, bos_token, eos_token and so
// on, or chat_template.jinja. What is kept of it here is a tokenizer_config.json with those entries alone.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/data/chat_template.h"
#include "heterodyne/data/jinja/template.h"

namespace heterodyne {

/// What the folder's chat_template.jinja and tokenizer_config.json say, as the text of a tokenizer_config.json; "" when
/// they name no template. Of several templates the one called "default" counts. Throws FormatError naming the file that
/// cannot be read.
std::string read_tokenizer_config(const std::string& folder);

/// The same for the template of a file, with the symbols of the tokenizer_config.json in `folder`, the tokenizer's, or,
/// where that is "" or there is none, of the one beside the template, if there is one.
std::string tokenizer_config_with(const std::string& template_path, const std::string& folder);

class ModelTemplate {
 public:
  /// `config` is what read_tokenizer_config() gives, `where` for error texts. Throws FormatError when there is no
  /// template or it cannot be read.
  ModelTemplate(const std::string& config, const std::string& where);
  /// The template of a file, with the symbols of `config`, or, where that is empty, of the tokenizer_config.json beside
  /// the file, if there is one.
  static ModelTemplate of_file(const std::string& path, const std::string& config = "");

  /// The conversation as one text, and, if `opens_answer`, what opens an answer. Templates see a time only where one
  /// is given. Throws FormatError where the template refuses.
  std::string render(const std::vector<ChatMessage>& messages, bool opens_answer,
                     const std::optional<std::tm>& now = {}) const;
  /// The ids of a rendered text, with nothing around them. The template's special symbols are one id each, also where
  /// the tokenizer itself takes them for text.
  std::vector<int64_t> ids_of(std::string_view text, const Tokenizer& tokenizer, const Vocabulary& vocabulary,
                              const std::string& where) const;
  /// Ids that end an answer: the template's eos_token and ending_ids().
  std::vector<int64_t> endings(const Vocabulary& vocabulary) const;

 private:
  ModelTemplate(jinja::Template form, Table symbols) : form_(std::move(form)), symbols_(std::move(symbols)) {}

  jinja::Template form_;
  Table symbols_;  // {"bos_token": "<s>"}
};

}  // namespace heterodyne
