// HfConfig: a config.json of Hugging Face's transformers, read with checks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne {

/// Keys that are missing or null take the default. Each function throws FormatError naming the file and the key when
/// the value is of another type or out of range.
class HfConfig {
 public:
  HfConfig(const Table& config, std::string where) : config_(config), where_(std::move(where)) {}

  bool has(const std::string& key) const;
  /// A whole number of at least 1, at most 2^24.
  int64_t size(const std::string& key) const;
  /// num_hidden_layers, at most 1,000.
  int64_t num_layers() const { return part_count("num_hidden_layers", 1000); }
  /// Experts of a layer, at most 4,096.
  int64_t num_experts(const std::string& key) const { return part_count(key, 4096); }
  int64_t size(const std::string& key, int64_t otherwise) const { return has(key) ? size(key) : otherwise; }
  double real(const std::string& key, double otherwise) const;
  bool flag(const std::string& key, bool otherwise) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  /// Whole numbers of at least 0; none when the key is missing.
  std::vector<int64_t> list(const std::string& key) const;
  std::vector<std::string> texts(const std::string& key) const;
  /// The table under a key; an empty one when it is missing.
  HfConfig inner(const std::string& key) const;

  /// Throws FormatError unless the key is missing, null or has this value: what else it may have is not known here.
  void expect(const std::string& key, const Value& only) const;
  [[noreturn]] void fail(const std::string& key, const std::string& expected) const;

  const Table& table() const { return config_; }
  const std::string& where() const { return where_; }

 private:
  // So many parts that a small file cannot ask for more names than memory holds.
  int64_t part_count(const std::string& key, int64_t most) const;

  Table config_;
  std::string where_;
};

}  // namespace heterodyne
