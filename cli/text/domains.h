// Domains: rows of JSON, instructions for instance, divided by what they are about or by a field, for
// `heterodyne data domains`: what neurons matter to is asked of each domain apart (HEMoE).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/rows.h"
#include "heterodyne/base/table.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne::cli {

/// The rows of one file, and the text of each: all texts in it, in order, without single words where there are others.
struct TextRows {
  std::vector<Table> rows;
  std::vector<std::string> texts;
};
/// JSON lines or a list, also .gz and .xz. Throws FormatError naming the row that is no table or holds no text.
TextRows read_text_rows(const std::string& path);

struct Domains {
  std::vector<int64_t> domain_N;
  std::vector<std::string> names;  // "0", "1", ...; or the field's values in alphabetical order
};
/// By the row's field, which every row must have as text or number. Throws FormatError otherwise.
Domains domains_by_field(const TextRows& rows, const std::string& field, const std::string& where);
/// `count` clusters by k-means of what the texts' words say; of what `encoder`, a model of text whose answer are
/// features, says when there is one (may be null). Throws ConfigError when there are fewer rows than clusters.
Domains domains_by_meaning(const TextRows& rows, int64_t count, uint64_t seed, TrainedModel* encoder);

/// Writes `folder`/NAME.jsonl for each, NAME in letters, digits, _ and - alone. Throws DeviceError when that cannot be.
void write_domains(const TextRows& rows, const Domains& domains, const std::string& folder);
/// Domain, rows and the words that are typical of it.
Rows domain_rows(const TextRows& rows, const Domains& domains);

}  // namespace heterodyne::cli
