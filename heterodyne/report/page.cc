#include "heterodyne/report/page.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "heterodyne/base/text.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/report/html.h"
#include "heterodyne/report/html_table.h"
#include "heterodyne/report/page_assets.h"
#include "heterodyne/report/page_data.h"

namespace heterodyne {
namespace {

// No source of anything is allowed but what stands in the file.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

// Our own, in the order in which they need each other.
constexpr std::array<std::string_view, 9> kScripts = {"theme.js",      "element.js",   "tooltip.js",
                                                      "line_chart.js", "bar_chart.js", "heatmap_chart.js",
                                                      "row_chart.js",  "figure.js",    "page.js"};

// Of all tables of one figure, so that a file stays one that can be mailed.
constexpr size_t kMostPageCells = 12'000;

std::string head(const Report& report) {
  return fmt::format(R"(<!doctype html>
<html lang="en" class="no-script">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{}: {}</title>
<style>
{}</style>
<script>document.documentElement.className = "script";</script>
</head>
)",
                     kPolicy, escape_html(report.title), escape_html(report.what), page_assets().at("report.css"));
}

std::string page_header(const Report& report) {
  std::string html = fmt::format(R"(<header class="head">
<div class="title"><div><p class="eyebrow">heterodyne {}</p>
<h1>{}</h1></div></div>
)",
                                 escape_html(report.what), escape_html(report.title));
  if (report.about.empty()) return html + "</header>\n";
  html += "<dl class=\"about\">\n";
  for (const Entry& line : report.about.entries()) {
    html += fmt::format("<div><dt>{}<dd>{}</div>\n", escape_html(line.key), escape_html(cell_text(line.value)));
  }
  return html + "</dl>\n</header>\n";
}

std::string panel_list(const Report& report) {
  std::string html = "<nav class=\"contents\" aria-label=\"Panels\">\n<ul>\n<li><a href=\"#findings\">Findings</a>\n";
  for (const NamedPanel& named : report.panels) {
    html += fmt::format("<li><a href=\"#{}\"{}>{}</a>\n", escape_html(named.id),
                        named.panel.figures.empty() ? " class=\"empty\"" : "", escape_html(named.panel.title));
  }
  return html + "</ul>\n</nav>\n";
}

std::string finding_line(const Report& report, const NamedFinding& named) {
  const Finding& finding = named.finding;
  const std::string word = severity_word(finding.severity);
  std::string html = fmt::format("<li class=\"finding {0}\"><span class=\"severity\">{0}</span><span>{1}", word,
                                 escape_html(finding.text));
  const auto shows = [&](const NamedPanel& panel) { return panel.id == finding.panel; };
  const auto panel = std::find_if(report.panels.begin(), report.panels.end(), shows);
  if (panel != report.panels.end()) {
    html += fmt::format(" <a href=\"#{}\">{}</a>", escape_html(panel->id), escape_html(panel->panel.title));
  }
  return html + "</span>\n";
}

std::string findings_section(const Report& report) {
  std::string html = "<section id=\"findings\" class=\"panel\">\n<h2>Findings</h2>\n";
  if (report.findings.empty()) return html + "<p class=\"absent\">Nothing was found to be wrong.</p>\n</section>\n";
  html += "<ul class=\"findings\">\n";
  for (const NamedFinding& finding : report.findings) html += finding_line(report, finding);
  return html + "</ul>\n</section>\n";
}

/// "layer: 2, share: MACs"
std::string settings_of(const Figure& figure, const View& view) {
  std::vector<std::string> settings;
  for (size_t i = 0; i < std::min(view.options.size(), figure.choices.size()); ++i) {
    const Choice& choice = figure.choices[i];
    if (view.options[i] < choice.options.size())
      settings.push_back(choice.name + ": " + choice.options[view.options[i]]);
  }
  return join(settings);
}

std::string view_block(const Figure& figure, const View& view, size_t most_cells) {
  std::string html = "<div class=\"view\">\n";
  const std::string settings = settings_of(figure, view);
  if (!settings.empty()) html += fmt::format("<h4>{}</h4>\n", escape_html(settings));
  if (!view.reading.empty()) html += fmt::format("<p class=\"reading\">{}</p>\n", escape_html(view.reading));
  if (!view.svg.empty()) html += fmt::format("<noscript><div class=\"still\">{}</div></noscript>\n", view.svg);
  std::vector<std::string> measures;
  for (const std::string& measure : {view.unit, view.count}) {
    if (!measure.empty()) measures.push_back(measure);
  }
  html += fmt::format("<p class=\"measure\">{}</p>\n", escape_html(join(measures, " · ")));
  if (view.table.columns.empty()) return html + "</div>\n";
  return html +
         fmt::format("<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"{}: table\">{}</div>\n</div>\n",
                     escape_html(figure.title), html_table(view.table, most_cells));
}

std::string figure_block(const std::string& panel, size_t index, const Figure& figure) {
  std::string html = fmt::format("<figure id=\"{}\">\n<figcaption><h3>{}</h3></figcaption>\n",
                                 escape_html(figure_id(panel, index)), escape_html(figure.title));
  const size_t most_cells = kMostPageCells / std::max<size_t>(figure.views.size(), 1);
  for (const View& view : figure.views) html += view_block(figure, view, most_cells);
  return html + "</figure>\n";
}

std::string panel_section(const NamedPanel& named) {
  std::string html = fmt::format("<section id=\"{}\" class=\"panel\">\n<h2>{}</h2>\n", escape_html(named.id),
                                 escape_html(named.panel.title));
  if (!named.panel.absent.empty()) html += fmt::format("<p class=\"absent\">{}</p>\n", escape_html(named.panel.absent));
  for (size_t i = 0; i < named.panel.figures.size(); ++i) html += figure_block(named.id, i, named.panel.figures[i]);
  return html + "</section>\n";
}

/// The drawing library, the data, and our scripts in a scope of their own.
std::string scripts(const Report& report) {
  std::string html = fmt::format("<script>\n{}</script>\n", page_assets().at("echarts.min.js"));
  html += fmt::format("<script type=\"application/json\" id=\"report-data\">{}</script>\n",
                      escape_json_for_html(page_data(report)));
  html += "<script>\n\"use strict\";\n(() => {\n";
  for (const std::string_view name : kScripts) html += page_assets().at(name);
  return html + "})();\n</script>\n";
}

}  // namespace

std::string html_page(const Report& report) {
  std::string html = head(report) + "<body>\n<a class=\"skip\" href=\"#findings\">To the findings</a>\n" +
                     page_header(report) + panel_list(report) + "<main>\n" + findings_section(report);
  for (const NamedPanel& panel : report.panels) html += panel_section(panel);
  return html + "</main>\n" + scripts(report) + "</body>\n</html>\n";
}

}  // namespace heterodyne
