#include "heterodyne/report/markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/report/svg_canvas.h"
#include "heterodyne/report/words.h"

namespace heterodyne {
namespace {

std::string plain(const Value& value) {
  if (const std::string* text = value.if_text()) return markdown_text(*text);
  if (const double* real = value.if_real()) return number(*real);
  if (const int64_t* whole = value.if_integer()) return with_commas(*whole);
  return value.is_null() ? "" : markdown_text(write_value(value));
}

// "layers.0, share of MACs", or nothing without switches.
std::string setting_of(const Figure& figure, const View& view) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < std::min(figure.choices.size(), view.options.size()); ++i) {
    const Choice& choice = figure.choices[i];
    parts.push_back(choice.name == "layer" ? choice.options[view.options[i]]
                                           : choice.name + " " + choice.options[view.options[i]]);
  }
  return join(parts);
}

std::string figure_text(const Figure& figure) {
  std::string text = "### " + markdown_text(figure.title) + "\n\n";
  for (const View& view : figure.views) {
    const std::string setting = setting_of(figure, view);
    if (!setting.empty()) text += "**" + markdown_text(setting) + "**\n\n";
    text += markdown_text(view.reading);
    if (!view.unit.empty() || !view.count.empty()) {
      text += " (" + markdown_text(join({view.unit, view.count}, view.unit.empty() || view.count.empty() ? "" : "; ")) +
              ")";
    }
    text += "\n\n" + markdown_table(view.table) + "\n";
  }
  return text;
}

}  // namespace

std::string markdown_text(const std::string& text) {
  // HTML's characters become entities, which Markdown shows as they are; its own marks get a backslash.
  std::string safe;
  for (const char c : xml_text(text)) {
    if (std::string_view("\\`*_[]|#~").find(c) != std::string_view::npos) {
      // Numeric entities hold their '#': "&#39;".
      if (c == '#' && safe.ends_with('&')) {
        safe += c;
        continue;
      }
      safe += '\\';
    }
    safe += c;
  }
  return safe;
}

std::string markdown_table(const Rows& rows, size_t most) {
  if (rows.columns.empty()) return "";
  std::string text = "|", rule = "|";
  for (const auto& column : rows.columns) {
    text += " " + markdown_text(column) + " |";
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  for (size_t r = 0; r < std::min(rows.rows.size(), most); ++r) {
    text += "|";
    for (const Value& value : rows.rows[r]) text += " " + plain(value) + " |";
    text += "\n";
  }
  if (rows.rows.size() > most)
    text += fmt::format("\nThe first {} of {}.\n", most, counted(static_cast<int64_t>(rows.rows.size()), "row"));
  return text;
}

std::string markdown(const Report& report) {
  std::string text = "# " + markdown_text(report.title) + "\n\n";
  for (const auto& [key, value] : report.about.entries())
    text += "- " + markdown_text(key) + ": " + plain(value) + "\n";
  text += "\n## Findings\n\n";
  for (const auto& [kind, finding] : report.findings) {
    text += fmt::format("- **{}**: {}\n", severity_word(finding.severity), markdown_text(finding.text));
  }
  for (const auto& [id, panel] : report.panels) {
    text += "\n## " + markdown_text(panel.title) + "\n\n";
    if (!panel.absent.empty()) text += markdown_text(panel.absent) + "\n";
    for (const Figure& figure : panel.figures) text += figure_text(figure);
  }
  return text;
}

}  // namespace heterodyne
