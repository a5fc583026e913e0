#include "heterodyne/model/foreign/hf_config.h"

#include <fmt/format.h>

#include <optional>

#include "heterodyne/base/error.h"
#include "heterodyne/io/json.h"

namespace heterodyne {

bool HfConfig::has(const std::string& key) const {
  const Value* value = config_.find(key);
  return value != nullptr && !value->is_null();
}

void HfConfig::fail(const std::string& key, const std::string& expected) const {
  const Value* value = config_.find(key);
  throw FormatError::in_file(
      where_, fmt::format("{}: expected {}, got {}", key, expected, value ? io::write_json(*value) : "nothing"));
}

int64_t HfConfig::size(const std::string& key) const { return part_count(key, int64_t{1} << 24); }

int64_t HfConfig::part_count(const std::string& key, int64_t most) const {
  const Value* value = config_.find(key);
  const int64_t* number = value ? value->if_integer() : nullptr;
  if (number == nullptr || *number < 1) fail(key, "a whole number of at least 1");
  if (*number > most) fail(key, fmt::format("at most {}", most));
  return *number;
}

double HfConfig::real(const std::string& key, double otherwise) const {
  if (!has(key)) return otherwise;
  const Value* value = config_.find(key);
  if (value->if_integer()) return static_cast<double>(*value->if_integer());
  if (value->if_real() == nullptr) fail(key, "a number");
  return *value->if_real();
}

bool HfConfig::flag(const std::string& key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (config_.find(key)->if_flag() == nullptr) fail(key, "true or false");
  return *config_.find(key)->if_flag();
}

std::string HfConfig::text(const std::string& key, const std::string& otherwise) const {
  if (!has(key)) return otherwise;
  if (config_.find(key)->if_text() == nullptr) fail(key, "text");
  return *config_.find(key)->if_text();
}

std::vector<int64_t> HfConfig::list(const std::string& key) const {
  std::vector<int64_t> all;
  if (!has(key)) return all;
  if (config_.find(key)->if_array() == nullptr) fail(key, "a list of whole numbers");
  for (const Value& value : *config_.find(key)->if_array()) {
    if (value.if_integer() == nullptr || *value.if_integer() < 0) fail(key, "a list of whole numbers");
    all.push_back(*value.if_integer());
  }
  return all;
}

std::vector<std::string> HfConfig::texts(const std::string& key) const {
  std::vector<std::string> all;
  if (!has(key)) return all;
  if (config_.find(key)->if_array() == nullptr) fail(key, "a list of text");
  for (const Value& value : *config_.find(key)->if_array()) {
    if (value.if_text() == nullptr) fail(key, "a list of text");
    all.push_back(*value.if_text());
  }
  return all;
}

HfConfig HfConfig::inner(const std::string& key) const {
  if (!has(key)) return {Table(), where_ + ": " + key};
  if (config_.find(key)->if_table() == nullptr) fail(key, "a table");
  return {*config_.find(key)->if_table(), where_ + ": " + key};
}

void HfConfig::expect(const std::string& key, const Value& only) const {
  const auto number_of = [](const Value& value) -> std::optional<double> {
    if (value.if_integer()) return static_cast<double>(*value.if_integer());
    return value.if_real() ? std::optional(*value.if_real()) : std::nullopt;
  };
  if (!has(key)) return;
  const Value& value = *config_.find(key);
  const auto number = number_of(value);  // 6 is 6.0
  if (number ? number != number_of(only) : !(value == only))
    fail(key, io::write_json(only) + ", as nothing else is known here");
}

}  // namespace heterodyne
