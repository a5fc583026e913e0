#include "heterodyne/report/run_series.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace heterodyne {
namespace {

std::optional<double> real_of(const Value* value) {
  if (value == nullptr) return {};
  if (value->if_integer()) return static_cast<double>(*value->if_integer());
  if (value->if_real()) return *value->if_real();
  return {};
}

bool is_of_kind(const Table& line, const std::string& kind) {
  const Value* value = line.find("kind");
  return value && *value == Value(kind);
}

}  // namespace

Series series_of(const RunRecord& run, const std::string& kind, const std::string& key) {
  Series series;
  for (const Table& line : run.metrics) {
    if (!is_of_kind(line, kind)) continue;
    const Value* value = line.find(key);
    if (value == nullptr) continue;
    const auto step = real_of(line.find("step")), number = real_of(value);
    if (value->is_null() || (number && !std::isfinite(*number))) {
      ++series.num_nonfinite;
    } else if (step && number) {
      series.points.emplace_back(*step, *number);
    }
  }
  return series;
}

std::vector<std::string> keys_of(const RunRecord& run, const std::string& kind) {
  std::vector<std::string> keys;
  for (const Table& line : run.metrics) {
    if (!is_of_kind(line, kind)) continue;
    for (const auto& entry : line.entries()) {
      if (std::find(keys.begin(), keys.end(), entry.key) == keys.end()) keys.push_back(entry.key);
    }
  }
  return keys;
}

LayerKey layer_key(const std::string& key) {
  const std::string prefix = "layers.";
  const size_t end = key.starts_with(prefix) ? key.find('.', prefix.size()) : std::string::npos;
  if (end == std::string::npos) return {"", key};
  return {key.substr(0, end), key.substr(end + 1)};
}

}  // namespace heterodyne
