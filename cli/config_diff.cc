#include "cli/config_diff.h"

#include <algorithm>

namespace heterodyne::cli {
namespace {

bool holds_tables(const Array& items) {
  return !items.empty() && std::all_of(items.begin(), items.end(), [](const Value& item) { return item.if_table(); });
}

// Every setting with its path, in the order of the configuration.
void flatten(const Value& value, const std::string& path, Table& flat) {
  const std::string inside = path.empty() ? "" : path + ".";
  const Table* table = value.if_table();
  const Array* items = value.if_array();
  if (table) {
    for (const auto& [key, inner] : table->entries()) flatten(inner, inside + key, flat);
  } else if (items && holds_tables(*items)) {
    for (size_t i = 0; i < items->size(); ++i) flatten((*items)[i], inside + std::to_string(i), flat);
  } else {
    flat.set(path, value);
  }
}

Table flattened(const Table& table) {
  Table flat;
  flatten(Value(table), "", flat);
  return flat;
}

}  // namespace

std::vector<SettingDifference> config_diff(const Table& a, const Table& b) {
  const Table flat_a = flattened(a), flat_b = flattened(b);
  std::vector<SettingDifference> differences;
  for (const auto& [path, value] : flat_a.entries()) {
    const Value* other = flat_b.find(path);
    if (other == nullptr || !(*other == value)) differences.push_back({path, value, other ? *other : Value()});
  }
  for (const auto& [path, value] : flat_b.entries()) {
    if (!flat_a.contains(path)) differences.push_back({path, Value(), value});
  }
  return differences;
}

}  // namespace heterodyne::cli
