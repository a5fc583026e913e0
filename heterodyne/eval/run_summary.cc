#include "heterodyne/eval/run_summary.h"

#include <algorithm>
#include <limits>

#include "heterodyne/base/config.h"
#include "heterodyne/io/sha256.h"

namespace heterodyne {
namespace {

constexpr size_t kIdDigits = 8;
constexpr size_t kMaxSettings = 10'000;
constexpr size_t kMaxExperts = 100'000;

std::string text_of(const Value& value) {
  if (const std::string* text = value.if_text()) return *text;
  return write_value(value);
}

// A list of plain values is one setting, a list of tables one for each.
void flatten(const std::string& path, const Value& value, std::vector<std::pair<std::string, std::string>>& settings) {
  if (settings.size() >= kMaxSettings) return;
  const std::string prefix = path.empty() ? "" : path + ".";
  if (const Table* table = value.if_table()) {
    for (const auto& [key, inner] : table->entries()) flatten(prefix + key, inner, settings);
  } else if (const Array* items = value.if_array(); items && !items->empty() && items->front().if_table()) {
    for (size_t i = 0; i < items->size(); ++i) flatten(prefix + std::to_string(i), (*items)[i], settings);
  } else {
    settings.emplace_back(path, text_of(value));
  }
}

std::string text_at(const Table& table, const char* path, const std::string& otherwise) {
  const Value* value = table.find_path(path);
  return value && value->if_text() ? *value->if_text() : otherwise;
}

// Experts get their ids in the order of their groups; see layer/moe_layer.h.
std::vector<std::string> kinds_by_id(const Table& config) {
  std::vector<std::string> kinds;
  const Value* groups = config.find_path("model.moe.experts");
  if (!groups || !groups->if_array()) return kinds;
  for (const Value& group : *groups->if_array()) {
    if (!group.if_table()) return {};
    const Value* count = group.if_table()->find("count");
    const int64_t num = count && count->if_integer() ? *count->if_integer() : 1;
    if (num < 0 || num > static_cast<int64_t>(kMaxExperts)) return {};
    kinds.insert(kinds.end(), static_cast<size_t>(num), text_at(*group.if_table(), "kind", ""));
  }
  return kinds;
}

// What a metric's value is, when it is one: null stands for a value that was not finite.
std::optional<double> number_in(const Value& value) {
  if (value.if_real()) return *value.if_real();
  if (value.if_integer()) return static_cast<double>(*value.if_integer());
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

const Array* array_at(const Value& load, const char* key) {
  const Value* value = load.if_table() ? load.if_table()->find(key) : nullptr;
  return value ? value->if_array() : nullptr;
}

int64_t step_of(const Table& line) {
  const Value* step = line.find("step");
  return step && step->if_integer() ? *step->if_integer() : 0;
}

}  // namespace

std::string run_id(const std::string& folder) { return io::sha256_hex(folder).substr(0, kIdDigits); }

Better better_of(const std::string& metric) {
  const std::string last = metric.substr(metric.rfind('.') + 1);  // npos + 1 is 0
  if (last == "loss" || last == "perplexity" || last == "bits_per_char") return Better::kLower;
  for (const char* score : {"accuracy", "positive_f1", "matthews", "pearson", "spearman"}) {
    if (last == score) return Better::kHigher;
  }
  return Better::kUnknown;
}

std::vector<std::pair<std::string, std::string>> flat_settings(const Table& config) {
  std::vector<std::pair<std::string, std::string>> settings;
  flatten("", config, settings);
  return settings;
}

RunSummary::RunSummary(const RunRecord& record, const std::string& folder) {
  run_.folder = folder;
  run_.id = run_id(folder);
  run_.name = record.name;
  run_.best_metric = text_at(record.config, "train.checkpoint.best", "valid.accuracy");
  run_.params = flat_settings(record.config);
  expert_kinds_ = kinds_by_id(record.config);
  set_state(record.state, record.pid, record.heartbeat);
  for (const Table& line : record.metrics) add(line);
}

void RunSummary::set_state(const std::string& state, int64_t pid, int64_t heartbeat) {
  run_.state = state;
  run_.pid = pid;
  run_.heartbeat = heartbeat;
}

void RunSummary::add(const Table& line) {
  const std::string kind = text_at(line, "kind", "");
  const int64_t step = step_of(line);
  run_.step = std::max(run_.step, step);
  if (kind == "experts") return add_loads(line);
  if (kind != "train" && kind != "valid" && kind != "test") return;
  for (const auto& [key, value] : line.entries()) {
    if (key == "step" || key == "kind" || key == "nonfinite" || key == "epoch") continue;
    const auto number = number_in(value);
    if (!number) continue;
    const std::string name = kind + "." + key;
    auto found = series_.find(name);
    if (found == series_.end()) {
      if (series_.size() >= kMaxMetrics) continue;
      found = series_.emplace(name, io::MetricSeries()).first;
    }
    found->second.add(step, *number);
  }
}

void RunSummary::add_loads(const Table& line) {
  run_.experts.clear();
  for (const auto& [layer, load] : line.entries()) {
    const Array* ids = array_at(load, "id");
    const Array* counts = array_at(load, "count");
    if (!ids || !counts || ids->size() != counts->size()) continue;
    double sum = 0;
    for (const Value& count : *counts) sum += number_in(count).value_or(0);
    for (size_t e = 0; e < ids->size() && run_.experts.size() < kMaxExperts; ++e) {
      const int64_t* id = (*ids)[e].if_integer();
      if (!id || *id < 0) continue;
      const auto at = static_cast<size_t>(*id);
      const std::string kind = at < expert_kinds_.size() ? expert_kinds_[at] : "";
      const double share = sum > 0 ? number_in((*counts)[e]).value_or(0) / sum : 0;
      run_.experts.push_back({layer, *id, kind, share});
    }
  }
}

io::IndexedRun RunSummary::row() const {
  io::IndexedRun run = run_;
  for (const auto& [name, series] : series_) {
    const Better better = better_of(name);
    const auto best = better == Better::kLower    ? series.lowest()
                      : better == Better::kHigher ? series.highest()
                                                  : std::nullopt;
    run.metrics.push_back({name, series.last(), best, series.lowest(), series.highest(), series.points()});
  }
  return run;
}

}  // namespace heterodyne
