#include "cli/text/domains.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "cli/text/likelihood.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/tokens/unicode.h"
#include "heterodyne/eval/clustering/clusters.h"
#include "heterodyne/eval/clustering/text_vectors.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/json_lines.h"

namespace heterodyne::cli {
namespace {

constexpr int64_t kDirections = 64;
constexpr size_t kTypicalWords = 8;
constexpr int64_t kEncodedTokens = 256;  // of a text, which say what it is about

void collect_texts(const Value& value, std::vector<std::string>& texts) {
  if (value.if_text()) {
    texts.push_back(*value.if_text());
  } else if (value.if_array()) {
    for (const Value& item : *value.if_array()) collect_texts(item, texts);
  } else if (value.if_table()) {
    for (const auto& [key, item] : value.if_table()->entries()) collect_texts(item, texts);
  }
}

// Single words are left out where there are longer texts: roles, names of categories, numbers of rows.
std::string text_of_row(const Table& row) {
  std::vector<std::string> texts;
  for (const auto& [key, value] : row.entries()) collect_texts(value, texts);
  const auto is_word = [](const std::string& text) { return text.find_first_of(" \t\n\r") == std::string::npos; };
  if (!std::all_of(texts.begin(), texts.end(), is_word)) std::erase_if(texts, is_word);
  std::string whole;
  for (const auto& text : texts) whole += (whole.empty() ? "" : "\n") + text;
  return whole;
}

std::string field_text(const Table& row, const std::string& field, const std::string& where) {
  const Value* value = row.find(field);
  if (value && value->if_text() && !value->if_text()->empty()) return *value->if_text();
  if (value && value->if_integer()) return std::to_string(*value->if_integer());
  throw FormatError::in_file(where, fmt::format("{}: expected text or a whole number, got {}", field,
                                                value ? io::write_json(*value) : "none"));
}

std::string file_stem(const std::string& name) {
  std::string stem;
  for (const char c : name) stem += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' ? c : '_';
  return stem;
}

}  // namespace

TextRows read_text_rows(const std::string& path) {
  const std::string contents = io::read_maybe_compressed(path);
  TextRows found;
  io::each_json_row(contents, path, false, [&](const Table& row, const std::string& where) {
    std::string text = text_of_row(row);
    if (text.empty()) throw FormatError::in_file(where, "expected a row that holds text, got none");
    tokens::check_utf8(text, where);
    found.rows.push_back(row);
    found.texts.push_back(std::move(text));
  });
  if (found.rows.empty()) throw FormatError::in_file(path, "expected rows, got none");
  return found;
}

Domains domains_by_field(const TextRows& rows, const std::string& field, const std::string& where) {
  std::vector<std::string> value_N;
  std::map<std::string, int64_t> place;
  for (size_t n = 0; n < rows.rows.size(); ++n) {
    value_N.push_back(field_text(rows.rows[n], field, fmt::format("{}: row {}", where, n + 1)));
    place[value_N.back()] = 0;
  }
  Domains found;
  for (auto& [name, index] : place) {
    index = static_cast<int64_t>(found.names.size());
    found.names.push_back(name);
  }
  for (const auto& value : value_N) found.domain_N.push_back(place[value]);
  return found;
}

Domains domains_by_meaning(const TextRows& rows, int64_t count, uint64_t seed, TrainedModel* encoder) {
  const auto num_rows = static_cast<int64_t>(rows.rows.size());
  if (count > num_rows)
    throw ConfigError("data domains", "clusters",
                      fmt::format("expected at most the file's {} rows, got {}", with_commas(num_rows), count));
  torch::Tensor row_ND;
  if (encoder) {
    const auto tokenizer = tokenizer_of(encoder->experiment);
    row_ND = encoder_vectors(*encoder->network, *tokenizer, std::min(kEncodedTokens, longest_text(encoder->experiment)),
                             rows.texts);
  } else {
    row_ND = word_vectors(weighted_words(rows.texts), kDirections, seed);
  }
  const auto cluster_N = k_means(row_ND, count, seed).cluster_N;
  Domains found;
  for (int64_t k = 0; k < count; ++k) found.names.push_back(std::to_string(k));
  found.domain_N.assign(cluster_N.data_ptr<int64_t>(), cluster_N.data_ptr<int64_t>() + num_rows);
  return found;
}

void write_domains(const TextRows& rows, const Domains& domains, const std::string& folder) {
  std::vector<std::string> contents(domains.names.size());
  for (size_t n = 0; n < rows.rows.size(); ++n)
    contents[static_cast<size_t>(domains.domain_N[n])] += io::write_json(rows.rows[n]) + "\n";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw DeviceError(folder + ": cannot be made: " + error.message());
  std::map<std::string, std::string> files;
  for (size_t d = 0; d < contents.size(); ++d) {
    const std::string stem = file_stem(domains.names[d]);
    if (!files.emplace(stem, std::move(contents[d])).second)
      throw ConfigError(fmt::format("data domains: expected names that differ as files, got {}.jsonl twice", stem));
  }
  for (const auto& [stem, text] : files) io::write_file(folder + "/" + stem + ".jsonl", text);
}

Rows domain_rows(const TextRows& rows, const Domains& domains) {
  const auto typical =
      typical_words(weighted_words(rows.texts), torch::tensor(domains.domain_N, torch::kInt64), kTypicalWords);
  Rows table{{"domain", "rows", "typical words"}, {}};
  for (size_t d = 0; d < domains.names.size(); ++d) {
    const auto count = std::count(domains.domain_N.begin(), domains.domain_N.end(), static_cast<int64_t>(d));
    std::vector<Value> row;
    row.emplace_back(domains.names[d]);
    row.emplace_back(static_cast<int64_t>(count));
    row.emplace_back(join(typical[d]));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace heterodyne::cli
