// Provenance: commands, settings and environment of the run, and the formulas behind the report's numbers.
#include <algorithm>

#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/report/figure.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

std::string command_line(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const auto& word : words) quoted.push_back(shell_word(word));
  return join(quoted, " ");
}

std::string plain(const Value& value) {
  if (const std::string* text = value.if_text()) return *text;
  if (const Array* items = value.if_array()) {
    const bool is_words = std::all_of(items->begin(), items->end(), [](const Value& item) { return item.if_text(); });
    std::vector<std::string> words;
    for (const Value& item : *items) words.push_back(item.if_text() ? *item.if_text() : "");
    if (is_words) return command_line(words);
  }
  return write_value(value);
}

// One row for each value, tables opened to dotted names.
void flatten(const Table& table, const std::string& path, Rows& rows) {
  for (const auto& [key, value] : table.entries()) {
    const std::string name = path.empty() ? key : path + "." + key;
    if (value.if_table()) {
      flatten(*value.if_table(), name, rows);
    } else {
      rows.rows.push_back({name, plain(value)});
    }
  }
}

Rows flat(const Table& table) {
  Rows rows{{"name", "value"}, {}};
  flatten(table, "", rows);
  return rows;
}

Rows formulas() {
  return {
      {"measure", "formula", "meaning"},
      {{"q_e", "c_e / A", "share of the A assignments of a layer that expert e got; 1/E is even"},
       {"CV", "sd_pop(c) / mean(c)", "0 is even"},
       {"H", "- sum q ln q / ln E", "1 is even"},
       {"effective experts", "exp(- sum q ln q)", "evenly used experts with this entropy"},
       {"MaxVio", "max c / mean c - 1", "0 is even (Wang et al. 2024)"},
       {"Gini", "sum_ij |c_i - c_j| / (2 E^2 mean c)", "0 is even"},
       {"dead, starved", "c = 0, 0 < c < mean c / 100", "experts that learn nothing, or hardly anything"},
       {"mean k", "A / N", "experts that one of the N tokens gets"},
       {"I(E; X)", "H(mean p) - mean H(p_t)", "nats that a token says about its expert"},
       {"I(E; Y)", "sum pi ln(pi / (pi_e pi_y))", "nats that experts and classes say about one another"},
       {"NMI", "2 I / (H_E + H_Y)", "0 .. 1"},
       {"I corrected", "I - (E - 1)(Y - 1) / (2 A)", "less what chance adds (Miller and Madow 1955)"},
       {"chance", "2.5 % .. 97.5 % of I after shuffling labels among the examples", "inside it: not distinguishable"},
       {"purity", "max_y P(y | e)", "largest share of one class among an expert's assignments"},
       {"co-activation, lift", "N_ij / N_i, N_ij N / (N_i N_j)", "experts that meet on the same tokens"},
       {"CKA", "|Y'X|^2 / (|X'X| |Y'Y|)", "likeness of centred outputs (Kornblith et al. 2019)"},
       {"routed, executed", "sum c_e m_e + router + shared, rows really computed", "multiply-adds of one example"},
       {"active parameters", "dense + mean over tokens of the chosen experts' parameters", "what one token meets"},
       {"saturation", "mean |S_t and S'_t| / k", "choices that stayed the same"}}};
}

std::optional<Panel> make_provenance(const ReportInput& input) {
  const RunRecord& run = input.run;
  Panel panel{"Provenance", {}, ""};
  Rows about{{"name", "value"}, {}};
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) about.rows.push_back({name, value});
  };
  add("this report", command_line(input.command));
  add("run", run.path);
  add("state", run.state);
  if (const Value* command = run.environment.find("command")) add("run's command", plain(*command));
  if (run.routing) {
    for (const auto& [key, value] : run.routing->about.entries()) add("routing: " + key, plain(value));
  }
  if (input.before) add("compared with", input.before->path);
  panel.figures.push_back(
      table_figure("Where this comes from", "What made this report, and what it was made of.", std::move(about)));
  if (!run.config.empty()) {
    panel.figures.push_back(table_figure(
        "Settings", "Every setting; heterodyne train " + shell_word(run.path + "/resolved.toml") + " repeats the run.",
        flat(run.config)));
  }
  if (!run.environment.empty()) {
    panel.figures.push_back(
        table_figure("Environment", "The program and the machine that ran it.", flat(run.environment)));
  }
  panel.figures.push_back(table_figure("Formulas", "How the numbers of this report are computed.", formulas()));
  return panel;
}

}  // namespace

PanelKind panel_kind_provenance() {
  return {"commands, settings and environment of the run, and the formulas", 150, make_provenance, {}};
}

}  // namespace heterodyne
