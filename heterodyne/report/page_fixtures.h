// Made-up reports with every kind of chart, for tests of the page. No part of the library includes this.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/report/report.h"

namespace heterodyne::fixtures {

inline const char* const kNasty = "<script>alert(\"1\")</script>&amp;'\x01\xFF</noscript>-->";
inline const char* const kLong = "a name of a class that goes on and on and is much longer than any axis has room for";

/// Between 0 and 1, without any order to be seen, and the same everywhere.
inline double noise(int64_t i) {
  auto bits = static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15U;
  bits ^= bits >> 29U;
  bits *= 0xBF58476D1CE4E5B9U;
  return static_cast<double>(bits >> 40U) / static_cast<double>(1U << 24U);
}

inline Array names_of(const std::string& what, int64_t count) {
  Array names;
  for (int64_t i = 0; i < count; ++i) names.emplace_back(what + std::to_string(i));
  return names;
}

inline Choice choice_of(const std::string& name, const std::string& what, int64_t count) {
  Choice choice{name, {}, 0};
  for (int64_t i = 0; i < count; ++i) choice.options.push_back(what + std::to_string(i));
  return choice;
}

/// Shares of the assignments of a layer over time, one line for each expert.
inline View load_view(int64_t layer, int64_t num_experts, int64_t num_points) {
  View view{{static_cast<size_t>(layer)},
            "share of assignments",
            "n = 320,000 assignments at each step",
            "Each line is one expert; the dashed line is the fair share.",
            {},
            {{"step"}, {}},
            ""};
  std::vector<std::vector<Value>> rows(static_cast<size_t>(num_points));
  Array series;
  for (int64_t p = 0; p < num_points; ++p) rows[static_cast<size_t>(p)].emplace_back(10 * p);
  for (int64_t e = 0; e < num_experts; ++e) {
    Array points;
    double share = 1.0 / static_cast<double>(num_experts);
    for (int64_t p = 0; p < num_points; ++p) {
      share = std::abs(share * (1 + 0.12 * (noise(layer * 7919 + e * 104729 + p) - 0.5)));
      points.push_back(Array{10 * p, share});
      rows[static_cast<size_t>(p)].emplace_back(share);
    }
    const std::string name = "expert " + std::to_string(e);
    series.push_back(Table{{"name", name}, {"points", points}});
    view.table.columns.push_back(name);
  }
  view.table.rows = std::move(rows);
  const double fair = 1.0 / static_cast<double>(num_experts);
  view.chart = Table{{"kind", "lines"},
                     {"x", "step"},
                     {"y", "share of assignments"},
                     {"series", series},
                     {"levels", Array{Table{{"y", fair}, {"text", "1/E"}}}},
                     {"marks", Array{Table{{"x", 2 * num_points}, {"text", "expert 3 split"}},
                                     Table{{"x", 6 * num_points}, {"text", "expert 1 removed"}}}}};
  return view;
}

inline Figure load_figure(int64_t num_layers, int64_t num_experts, int64_t num_points) {
  Figure figure{"Load over time", {choice_of("layer", "", num_layers)}, {}};
  for (int64_t layer = 0; layer < num_layers; ++layer)
    figure.views.push_back(load_view(layer, num_experts, num_points));
  return figure;
}

inline Figure curves_figure() {
  Figure figure{"Loss and learning rate", {{"axis", {"linear", "logarithmic"}, 0}}, {}};
  for (size_t option = 0; option < 2; ++option) {
    Array train, valid, rate;
    Rows table{{"step", "train", "valid", "learning rate"}, {}};
    for (int step = 0; step <= 3000; step += 50) {
      const double loss = 0.4 + 1.9 * std::exp(-step / 700.0) + 0.12 * noise(step);
      const double lr = 3e-4 * std::min(1.0, step / 300.0) * (1 + std::cos(step / 955.0)) / 2;
      train.push_back(Array{step, loss});
      rate.push_back(Array{step, lr});
      if (step % 250 == 0) valid.push_back(Array{step, loss + 0.15});
      table.rows.push_back({step, loss, step % 250 == 0 ? Value(loss + 0.15) : Value(), lr});
    }
    Table chart{
        {"kind", "lines"},
        {"x", "step"},
        {"y", "loss"},
        {"right", "learning rate"},
        {"series", Array{Table{{"name", "train"}, {"points", train}}, Table{{"name", "valid"}, {"points", valid}},
                         Table{{"name", "learning rate"}, {"points", rate}, {"dashed", true}, {"axis", "right"}}}}};
    if (option == 1) chart.set("log_y", true);
    figure.views.push_back(
        {{option}, "nats per example", "n = 61 steps", "Train and valid fall together.", chart, table, ""});
  }
  return figure;
}

/// A heatmap of rows x columns whose values go from 0 to twice the middle.
inline View heat_view(const std::string& scale, const Array& rows, const Array& columns, double middle) {
  Array values;
  Rows table{{"row"}, {}};
  for (const Value& column : columns) table.columns.push_back(*column.if_text());
  for (size_t r = 0; r < rows.size(); ++r) {
    Array line;
    std::vector<Value> cells = {rows[r]};
    for (size_t c = 0; c < columns.size(); ++c) {
      line.emplace_back(middle * 2 * noise(static_cast<int64_t>(r * 131 + c + 1)));
      cells.push_back(line.back());
    }
    values.emplace_back(std::move(line));
    table.rows.push_back(std::move(cells));
  }
  Table chart{{"kind", "heatmap"}, {"x", "expert"},    {"y", "row"},     {"columns", columns},
              {"rows", rows},      {"values", values}, {"scale", scale}, {"low", scale == "log" ? middle / 8 : 0.0},
              {"high", 2 * middle}};
  if (scale == "log") chart.set("high", middle * 8);
  if (scale != "linear") chart.set("middle", middle);
  return {{},
          "load relative to a fair share, 1 = fair",
          "n = 320,000 assignments",
          "Rows are layers; a cross marks an expert that gets nothing.",
          chart,
          table,
          ""};
}

inline Figure load_now_figure(int64_t num_layers, int64_t num_experts) {
  View view = heat_view("log", names_of("layer ", num_layers), names_of("", num_experts), 1.0);
  view.chart.set("crossed", Array{Array{0, 1}, Array{num_layers - 1, num_experts - 1}});
  view.svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 20 10\"><rect width=\"20\" height=\"10\"/></svg>";
  return {"Load of every expert", {}, {view}};
}

inline Figure class_figure() {
  const Array rows = {"airplane", "automobile", "bird", kLong, kNasty, "frog", "ship", "truck"};
  View view = heat_view("linear", rows, {"0 mlp", "1 cnn", "2 vit", kLong, "4 rnn", "5 mlp"}, 0.5);
  view.chart.set("grey", Array{Array{1, 2}, Array{5, 4}});
  view.unit = "P(expert | class)";
  View diverging = heat_view("diverging", rows, {"0 mlp", "1 cnn", "2 vit", kLong, "4 rnn", "5 mlp"}, 0.1);
  diverging.chart.find("values")->if_array()->at(0).if_array()->at(0) = Value();
  view.options = {0};
  diverging.options = {1};
  return {"Classes and experts", {{"show", {"share", "difference"}, 0}}, {view, diverging}};
}

inline Figure bars_figure(bool is_horizontal) {
  const Array names = {"0 mlp", "1 cnn", kLong, "3 rnn", kNasty};
  Table chart{{"kind", "bars"},
              {"x", "expert"},
              {"y", "million operations"},
              {"names", names},
              {"series", Array{Table{{"name", "routed"}, {"values", Array{3.1, 1.2, 0.4, 2.2, 0.9}}},
                               Table{{"name", "shared"}, {"values", Array{0.5, 0.5, 0.5, 0.5, 0.5}}}}},
              {"stacked", true},
              {"levels", Array{Table{{"y", 3.0}, {"text", "dense"}}}}};
  if (is_horizontal) chart.set("horizontal", true);
  Rows table{{"expert", "routed", "shared"}, {}};
  for (const Value& name : names) table.rows.push_back({name, 1.5, 0.5});
  return {
      is_horizontal ? "Cost of experts, lying" : "Cost of experts",
      {},
      {{{}, "million multiply-adds per token", "n = 10,000 images", "The convolution costs least.", chart, table, ""}}};
}

inline Figure spans_figure() {
  const auto span = [](int row, int from, int to, const char* group, const char* text) {
    return Value(Table{{"row", row}, {"from", from}, {"to", to}, {"group", group}, {"text", text}});
  };
  const Table chart{
      {"kind", "spans"},
      {"x", "step"},
      {"rows", Array{"0", "1", "2", "3", "4"}},
      {"spans", Array{span(0, 0, 5000, "mlp", "alive"), span(1, 0, 2400, "cnn", "removed: 0 assignments in 300 steps"),
                      span(2, 0, 5000, "vit", kNasty), span(3, 1200, 5000, "mlp", "split from 0"),
                      span(4, 2400, 5000, "rnn", "added from 1,204 unrouted tokens")}},
      {"links", Array{Table{{"from", 0}, {"to", 3}, {"x", 1200}}}}};
  const Rows table{{"expert", "born", "died", "reason"},
                   {{0, 0, Value(), ""}, {1, 0, 2400, "0 assignments in 300 steps"}}};
  return {"Lives of the experts", {}, {{{}, "steps", "5 experts", "One bar for each expert id.", chart, table, ""}}};
}

inline Figure ranges_figure() {
  const auto row = [](const std::string& name, double value, double low, double high) {
    return Value(Table{{"name", name}, {"value", value}, {"low", low}, {"high", high}});
  };
  const Table chart{{"kind", "ranges"},
                    {"x", "normalised mutual information"},
                    {"rows", Array{row("layer 0", 0.021, 0, 0.003), row("layer 4", 0.002, 0, 0.003),
                                   row(kLong, 0.11, 0.001, 0.006), row(kNasty, 0.004, 0.001, 0.006)}}};
  const Rows table{{"layer", "NMI", "chance from", "chance to"}, {{"layer 0", 0.021, 0.0, 0.003}}};
  return {"Information about the class",
          {},
          {{{},
            "0 .. 1",
            "n = 10,000 images, 100 shuffles",
            "Layer 4 is not distinguishable from chance.",
            chart,
            table,
            ""}}};
}

inline Figure table_figure() {
  const Rows table{{"key", "value"},
                   {{"command", "heterodyne report runs/made-up"},
                    {"configuration", "[train]\nepochs = 7\nseed = 1\n"},
                    {kNasty, kNasty}}};
  return {"Settings", {}, {{{}, "", "", "Everything that made this run.", {}, table, ""}}};
}

/// Every kind of chart, long names and hostile ones.
inline Report made_up_report() {
  Report report{
      std::string("made-up run ") + kNasty,
      {{"path", "runs/2026-01-01-made-up"}, {"state", "done"}, {"steps", 5000}, {"experts", "6 in each of 12 layers"}},
      {},
      {}};
  report.findings = {
      {"dead", {Severity::kRed, "Layer 0: 1 of 6 experts gets no token at all.", "load_now"}},
      {"drift", {Severity::kAmber, std::string("Layer 3 drifts: ") + kNasty, "load"}},
      {"chance", {Severity::kGrey, "Layer 4 knows no more of the class than chance would.", "specialisation"}}};
  report.panels = {{"curves", {"Training curves", {curves_figure()}, ""}},
                   {"load", {"Load over time", {load_figure(12, 6, 400)}, ""}},
                   {"load_now", {"Load now", {load_now_figure(12, 6)}, ""}},
                   {"classes", {"Class and expert", {class_figure()}, ""}},
                   {"specialisation", {"Specialisation", {ranges_figure()}, ""}},
                   {"lifecycle", {"Lifecycle", {spans_figure()}, ""}},
                   {"cost", {"Cost", {bars_figure(false), bars_figure(true)}, ""}},
                   {"knock_out", {"Knock-out", {}, "Not recorded: run heterodyne route with knock-outs."}},
                   {"provenance", {"Provenance", {table_figure()}, ""}}};
  return report;
}

/// Charts without anything to draw, and a figure without views.
inline Report empty_report() {
  const Array charts = {Table{{"kind", "lines"}, {"x", ""}, {"y", ""}, {"series", Array{}}},
                        Table{{"kind", "lines"}, {"series", Array{Table{{"name", "a"}, {"points", Array{}}}}}},
                        Table{{"kind", "bars"}, {"names", Array{}}, {"series", Array{}}},
                        Table{{"kind", "bars"}, {"names", Array{}}, {"series", Array{}}, {"horizontal", true}},
                        Table{{"kind", "heatmap"}, {"columns", Array{}}, {"rows", Array{}}, {"values", Array{}}},
                        Table{{"kind", "heatmap"},
                              {"columns", Array{"a"}},
                              {"rows", Array{"b"}},
                              {"values", Array{Array{Value()}}},
                              {"scale", "log"}},
                        Table{{"kind", "spans"}, {"rows", Array{}}, {"spans", Array{}}},
                        Table{{"kind", "ranges"}, {"rows", Array{}}},
                        Table{{"kind", "unknown"}}};
  Panel panel{"Nothing", {{"Without views", {}, {}}}, ""};
  for (const Value& chart : charts)
    panel.figures.push_back({"Nothing", {}, {{{}, "", "", "", *chart.if_table(), {}, ""}}});
  return {"empty", {}, {}, {{"nothing", panel}}};
}

/// 12 layers of 64 experts with 500 points each.
inline Report large_report() {
  Report report{"large run", {{"state", "done"}}, {}, {}};
  report.panels = {{"load", {"Load over time", {load_figure(12, 64, 500)}, ""}},
                   {"load_now", {"Load now", {load_now_figure(12, 64)}, ""}}};
  return report;
}

}  // namespace heterodyne::fixtures
