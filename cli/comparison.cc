#include "cli/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "cli/view/report.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/information.h"
#include "heterodyne/eval/run_summary.h"
#include "heterodyne/report/group_figure.h"

namespace heterodyne::cli {
namespace {

constexpr double kEqualBudget = 1.1;  // the largest over the smallest

using OutcomeField = std::optional<double> Outcome::*;

std::optional<double> number_at(const Table& line, const std::string& key) {
  const Value* value = line.find(key);
  if (value && value->if_real()) return *value->if_real();
  if (value && value->if_integer()) return static_cast<double>(*value->if_integer());
  return std::nullopt;
}

// The validation that the best checkpoint had: of the metric that the run chooses it by, the first of equals.
const Table* best_validation(const RunRecord& run) {
  const Value* chosen = run.config.find_path("train.checkpoint.best");
  const std::string name = chosen && chosen->if_text() ? *chosen->if_text() : "valid.accuracy";
  const std::string key = name.substr(name.find('.') + 1);
  const double sign = better_of(name) == Better::kLower ? -1 : 1;
  const Table* best = nullptr;
  for (const Table* line : run.lines("valid")) {
    const auto value = number_at(*line, key);
    if (value && (!best || sign * *value > sign * *number_at(*best, key))) best = line;
  }
  return best;
}

// Values of all layers: "layers.0.entropy", "layers.5.entropy".
std::vector<double> of_layers(const Table& line, const std::string& what) {
  std::vector<double> values;
  for (const auto& [key, value] : line.entries()) {
    if (!key.starts_with("layers.") || !key.ends_with("." + what)) continue;
    if (const auto number = number_at(line, key)) values.push_back(*number);
  }
  return values;
}

// Nothing without values.
std::optional<double> mean_of(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void read_balance(const Table& line, Outcome& outcome) {
  const auto violations = of_layers(line, "max_violation"), dead = of_layers(line, "dead");
  if (!violations.empty()) outcome.max_ideal = 1 + *std::max_element(violations.begin(), violations.end());
  if (!dead.empty()) outcome.num_dead = std::accumulate(dead.begin(), dead.end(), 0.0);
  outcome.entropy = mean_of(of_layers(line, "entropy"));
  outcome.cv = mean_of(of_layers(line, "cv"));
}

// Data sets are named where they are not the run's own.
std::string split_of(const RoutingProfile& routing, const Table& config) {
  const Value *split = routing.about.find("split"), *data = routing.about.find("data");
  if (!split || !split->if_text()) return "";
  const Value* own = config.find_path("data.kind");
  const bool is_own = !data || !data->if_text() || (own && *own == *data);
  return is_own ? *split->if_text() : *data->if_text() + " " + *split->if_text();
}

void read_routing(const RoutingProfile& routing, Outcome& outcome) {
  std::vector<double> information, normalized, changes;
  for (const auto& layer : routing.layers) {
    if (const auto table = contingency_of(layer, "class")) {
      information.push_back(information_of(*table).mutual);
      normalized.push_back(information_of(*table).normalized());
    }
    if (!layer.knock_out) continue;
    for (const double change : layer.knock_out->loss_change_E) {
      if (std::isfinite(change)) changes.push_back(change);
    }
  }
  outcome.information = mean_of(information);
  outcome.nmi = mean_of(normalized);
  outcome.knock_out = mean_of(changes);
  const auto smallest = std::ranges::min_element(routing.latency, {}, &Latency::batch);
  if (smallest != routing.latency.end()) outcome.latency_ms = smallest->p50_ms;
}

struct Column {
  const char* name;  // for people
  const char* key;   // for programs
  OutcomeField field;
  double scale;      // for people
  const char* form;  // of the mean, for people
};
constexpr Column kColumns[] = {
    {"valid acc %", "valid_accuracy", &Outcome::valid_accuracy, 100, "{:.1f}"},
    {"test acc %", "test_accuracy", &Outcome::test_accuracy, 100, "{:.1f}"},
    {"params", "params", &Outcome::params, 1, ""},
    {"routed/executed MAC", "routed_macs", &Outcome::routed_macs, 1, ""},
    {nullptr, "executed_macs", &Outcome::executed_macs, 1, ""},
    {"max/ideal", "max_ideal", &Outcome::max_ideal, 1, "{:.2f}"},
    {"CV", "cv", &Outcome::cv, 1, "{:.2f}"},
    {"H", "entropy", &Outcome::entropy, 1, "{:.3f}"},
    {"dead", "dead", &Outcome::num_dead, 1, "{:.3g}"},
    {"I, nats", "information", &Outcome::information, 1, "{:.3f}"},
    {"NMI", "nmi", &Outcome::nmi, 1, "{:.3f}"},
    {"knock-out, nats", "knock_out", &Outcome::knock_out, 1, "{:+.3f}"},
    {"p50 ms", "latency_ms", &Outcome::latency_ms, 1, "{:.2f}"},
};

// Whether people see it: not where no group has a value.
bool is_shown(const Column& column, const std::vector<OutcomeGroup>& groups) {
  return column.name &&
         std::ranges::any_of(groups, [&](const auto& group) { return spread_of(group, column.field).count > 0; });
}

bool is_accuracy(const Column& column) { return column.scale != 1; }

std::string cell_of(const OutcomeGroup& group, const Column& column) {
  const SeedSpread spread = spread_of(group, column.field);
  if (spread.count == 0) return "-";
  if (column.field == &Outcome::params) return with_commas(std::llround(spread.mean));
  if (column.field == &Outcome::routed_macs) {
    const SeedSpread executed = spread_of(group, &Outcome::executed_macs);
    return fmt::format("{} / {}", short_count(spread.mean), executed.count ? short_count(executed.mean) : "-");
  }
  std::string text = fmt::format(fmt::runtime(column.form), column.scale * spread.mean);
  if (is_accuracy(column) && spread.count > 1)
    text += " +- " + fmt::format(fmt::runtime(column.form), column.scale * spread.deviation);
  return text;
}

Rows rows_for_people(const std::vector<OutcomeGroup>& groups, bool has_groups) {
  Rows rows{{"model"}, {}};
  if (has_groups) rows.columns.emplace_back("runs");
  for (const auto& column : kColumns) {
    if (is_shown(column, groups)) rows.columns.emplace_back(column.name);
  }
  for (const auto& group : groups) {
    auto& row = rows.rows.emplace_back(std::vector<Value>{group[0].model});
    if (has_groups) row.emplace_back(static_cast<int64_t>(group.size()));
    for (const auto& column : kColumns) {
      if (is_shown(column, groups)) row.emplace_back(cell_of(group, column));
    }
  }
  return rows;
}

// The columns of what is compared pair by pair; null where there are no pairs.
void add_differences(const std::vector<OutcomeGroup>& groups, const Column& column, Rows& rows) {
  for (const char* ending : {"_difference", "_difference_low", "_difference_high"})
    rows.columns.push_back(std::string(column.key) + ending);
  for (size_t i = 0; i < groups.size(); ++i) {
    auto& row = rows.rows[i];
    row.resize(row.size() + 3);
    const PairedDifference difference = i == 0 ? PairedDifference() : difference_of(groups[i], groups[0], column.field);
    if (difference.count > 0) row[row.size() - 3] = difference.mean;
    if (!difference.has_interval()) continue;
    row[row.size() - 2] = difference.low;
    row[row.size() - 1] = difference.high;
  }
}

Rows rows_for_programs(const std::vector<OutcomeGroup>& groups, bool has_groups) {
  Rows rows{{"model", "runs"}, {}};
  for (const auto& column : kColumns) {
    rows.columns.emplace_back(column.key);
    rows.columns.push_back(std::string(column.key) + "_deviation");
  }
  for (const auto& group : groups) {
    auto& row = rows.rows.emplace_back(std::vector<Value>{group[0].model, static_cast<int64_t>(group.size())});
    for (const auto& column : kColumns) {
      const SeedSpread spread = spread_of(group, column.field);
      row.resize(row.size() + 2);  // null unless there is something to say
      if (spread.count > 0) row[row.size() - 2] = spread.mean;
      if (spread.count > 1) row[row.size() - 1] = spread.deviation;
    }
  }
  for (const auto& column : kColumns) {
    if (has_groups && is_accuracy(column)) add_differences(groups, column, rows);
  }
  return rows;
}

// Each seed with the one run that has it; nullptr where several have.
std::map<int64_t, const Outcome*> by_seed(const OutcomeGroup& group) {
  std::map<int64_t, const Outcome*> runs;
  for (const auto& outcome : group) {
    if (!outcome.seed) continue;
    const auto [found, is_first] = runs.try_emplace(*outcome.seed, &outcome);
    if (!is_first) found->second = nullptr;
  }
  return runs;
}

std::string difference_text(const PairedDifference& difference, double scale) {
  if (difference.count == 0) return "-";
  if (!difference.has_interval()) return fmt::format("{:+.1f}", scale * difference.mean);
  return fmt::format("{:+.1f} ({:.1f} .. {:.1f}){}", scale * difference.mean, scale * difference.low,
                     scale * difference.high, difference.is_distinguishable() ? "" : "  not distinguishable");
}

// Unlike experts: several groups, or a group whose experts have settings of their own.
Mixture mixture_of(const Table& config) {
  const Value* groups = config.find_path("model.moe.experts");
  if (!groups || !groups->if_array() || groups->if_array()->empty()) return Mixture::kDense;
  if (groups->if_array()->size() > 1) return Mixture::kMixed;
  const Table* group = groups->if_array()->front().if_table();
  if (!group) return Mixture::kEqual;
  const auto is_list = [](const Entry& entry) {
    const Array* list = entry.value.if_array();
    return list && std::any_of(list->begin(), list->end(), [&](const Value& one) { return !(one == list->front()); });
  };
  return std::any_of(group->entries().begin(), group->entries().end(), is_list) ? Mixture::kMixed : Mixture::kEqual;
}

// The command that makes a network of the one's budget in the other's form.
std::string twin_hint(const Outcome& one, const Outcome& other, const char* match) {
  if (one.mixture < other.mixture) return twin_hint(other, one, match);
  if (one.mixture == other.mixture || one.path.empty()) return "";
  return fmt::format(". Equal budget: heterodyne config twin {} --as {} --match {}", printable(one.path),
                     other.mixture == Mixture::kDense ? "dense" : "homogeneous", match);
}

struct BudgetColumn {
  OutcomeField field;
  const char* what;
  const char* match;  // what `config twin` calls it
};

std::optional<std::string> budget_warning(const std::vector<OutcomeGroup>& groups, const BudgetColumn& column) {
  const auto& [field, what, match] = column;
  const OutcomeGroup *most = nullptr, *least = nullptr;
  const auto mean = [of = field](const OutcomeGroup& group) { return spread_of(group, of).mean; };
  for (const auto& group : groups) {
    if (mean(group) <= 0) continue;
    if (!most || mean(group) > mean(*most)) most = &group;
    if (!least || mean(group) < mean(*least)) least = &group;
  }
  if (!most || mean(*most) <= kEqualBudget * mean(*least)) return std::nullopt;
  return fmt::format("{} has {:.0f} % more {} than {}{}", printable((*most)[0].model),
                     100 * (mean(*most) / mean(*least) - 1), what, printable((*least)[0].model),
                     twin_hint((*most)[0], (*least)[0], match));
}

}  // namespace

Outcome outcome_of(const RunRecord& run, const std::string& model) {
  Outcome outcome;
  outcome.model = model;
  outcome.path = run.path;
  outcome.mixture = mixture_of(run.config);
  if (const Value* seed = run.config.find("seed"); seed && seed->if_integer()) outcome.seed = *seed->if_integer();
  if (const Table* line = best_validation(run)) {
    outcome.valid_accuracy = number_at(*line, "accuracy");
    outcome.params = number_at(*line, "params");
    outcome.routed_macs = number_at(*line, "macs.routed");
    outcome.executed_macs = number_at(*line, "macs.executed");
    read_balance(*line, outcome);
  }
  if (run.routing) {
    outcome.routed = split_of(*run.routing, run.config);
    read_routing(*run.routing, outcome);
  }
  const auto tests = run.lines("test");
  if (!tests.empty()) outcome.test_accuracy = number_at(*tests.back(), "accuracy");
  return outcome;
}

SeedSpread spread_of(const std::vector<Outcome>& group, std::optional<double> Outcome::* value) {
  SeedSpread spread;
  for (const auto& outcome : group) {
    if (!(outcome.*value)) continue;
    ++spread.count;
    spread.mean += *(outcome.*value);
  }
  if (spread.count == 0) return spread;
  spread.mean /= static_cast<double>(spread.count);
  if (spread.count == 1) return spread;
  for (const auto& outcome : group) {
    if (outcome.*value) spread.deviation += std::pow(*(outcome.*value) - spread.mean, 2);
  }
  spread.deviation = std::sqrt(spread.deviation / static_cast<double>(spread.count - 1));
  return spread;
}

PairedDifference difference_of(const OutcomeGroup& group, const OutcomeGroup& base,
                               std::optional<double> Outcome::* value) {
  const auto other = by_seed(base);
  std::vector<double> differences;
  for (const auto& [seed, outcome] : by_seed(group)) {
    const auto pair = other.find(seed);
    if (pair == other.end() || !outcome || !pair->second || !(outcome->*value) || !(pair->second->*value)) continue;
    differences.push_back(*(outcome->*value) - *(pair->second->*value));
  }
  return paired_difference(differences);
}

Rows difference_rows(const std::vector<OutcomeGroup>& groups) {
  Rows rows{{"model", "against", "pairs"}, {}};
  for (const auto& column : kColumns) {
    if (is_accuracy(column))
      rows.columns.push_back(std::string(column.name, std::strlen(column.name) - 2) + ", points");
  }
  bool has_pairs = false;
  for (size_t i = 1; i < groups.size(); ++i) {
    std::vector<Value> row{groups[i][0].model, groups[0][0].model, 0};
    int64_t num_pairs = 0;
    for (const auto& column : kColumns) {
      if (!is_accuracy(column)) continue;
      const auto difference = difference_of(groups[i], groups[0], column.field);
      num_pairs = std::max(num_pairs, difference.count);
      row.emplace_back(difference_text(difference, column.scale));
    }
    row[2] = num_pairs;
    has_pairs = has_pairs || num_pairs > 0;
    rows.rows.push_back(std::move(row));
  }
  if (!has_pairs) rows.rows.clear();
  return rows;
}

std::vector<std::string> pairing_warnings(const std::vector<OutcomeGroup>& groups) {
  std::vector<std::string> warnings;
  for (const auto& group : groups) {
    for (const auto& [seed, outcome] : by_seed(group)) {
      if (outcome) continue;
      warnings.push_back(
          fmt::format("{} has several runs of seed {}, which are in no pair", printable(group[0].model), seed));
      break;
    }
  }
  return warnings;
}

std::vector<std::string> routing_warnings(const std::vector<OutcomeGroup>& groups) {
  std::map<std::string, std::pair<int64_t, const Outcome*>> splits;  // how many runs, and one of them
  for (const auto& group : groups) {
    for (const auto& outcome : group) {
      if (!outcome.information && !outcome.knock_out) continue;
      auto& [count, example] = splits[outcome.routed];
      ++count;
      example = &outcome;
    }
  }
  if (splits.size() < 2) return {};
  std::vector<std::string> parts;
  for (const auto& [split, runs] : splits) {
    parts.push_back(fmt::format("{} of {} run{}", split.empty() ? "an unknown one" : printable(split), runs.first,
                                runs.first == 1 ? "" : "s"));
  }
  return {
      fmt::format("I, NMI and knock-out are of different splits: {}. Of one: heterodyne route {} valid, for each run",
                  join(parts), printable(splits.begin()->second.second->path))};
}

Rows comparison_rows(const std::vector<OutcomeGroup>& groups, const std::string& format) {
  const bool has_groups = std::any_of(groups.begin(), groups.end(), [](const auto& group) { return group.size() > 1; });
  if (format == "json" || format == "csv") return rows_for_programs(groups, has_groups);
  return rows_for_people(groups, has_groups);
}

std::vector<std::string> budget_warnings(const std::vector<OutcomeGroup>& groups) {
  std::vector<std::string> warnings;
  for (const auto& warning : {budget_warning(groups, {&Outcome::params, "parameters", "params"}),
                              budget_warning(groups, {&Outcome::executed_macs, "executed MACs", "macs"})}) {
    if (warning) warnings.push_back(*warning);
  }
  return warnings;
}

}  // namespace heterodyne::cli
