#include "heterodyne/report/svg_canvas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

constexpr const char* kReplacementText = "\uFFFD";

// Told apart with any kind of colour vision, on light and on dark (Tol 2021, "bright" and "vibrant").
constexpr std::array kColours = {"#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee",
                                 "#aa3377", "#ee7733", "#009988", "#7755aa", "#888888"};

// Length of the UTF-8 character at the start; 0 when there is none.
size_t character_length(std::string_view text) {
  for (size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    if (is_utf8(text.substr(0, length))) return length;
  }
  return 0;
}

std::string escaped(std::string_view character) {
  if (character.size() > 1)
    return character == "\uFFFE" || character == "\uFFFF" ? kReplacementText : std::string(character);
  switch (character[0]) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '\t':
    case '\n':
    case '\r':
      return " ";
    default:
      return static_cast<unsigned char>(character[0]) < 0x20 ? kReplacementText : std::string(character);
  }
}

const char* anchor_name(Anchor anchor) {
  if (anchor == Anchor::kStart) return "start";
  return anchor == Anchor::kMiddle ? "middle" : "end";
}

std::string with_hint(const std::string& element, const std::string& hint) {
  if (hint.empty()) return fmt::format("<{}/>\n", element);
  return fmt::format("<{}><title>{}</title></{}>\n", element, xml_text(hint), element.substr(0, element.find(' ')));
}

}  // namespace

std::string xml_text(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const size_t length = character_length(text);
    safe += length == 0 ? kReplacementText : escaped(text.substr(0, length));
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return safe;
}

std::string shortened(const std::string& text, size_t columns) {
  if (columns_of(text) <= columns) return text;
  std::string kept;
  std::string_view rest = text;
  for (size_t i = 0; i + 1 < columns && !rest.empty(); ++i) {
    const size_t length = std::max<size_t>(character_length(rest), 1);
    kept += rest.substr(0, length);
    rest.remove_prefix(length);
  }
  return kept + "\u2026";
}

Scale::Scale(double low, double high, double from, double to) : low_(low), high_(high), from_(from), to_(to) {
  if (!std::isfinite(low_) || !std::isfinite(high_)) low_ = 0, high_ = 1;
  if (high_ - low_ > 1e-12 * std::max(std::abs(low_), std::abs(high_))) return;
  const double half = low_ == 0 ? 1 : std::abs(low_) / 2;
  low_ -= half;
  high_ += half;
}

std::vector<double> Scale::ticks(int wanted) const {
  const double rough = (high_ - low_) / wanted, power = std::pow(10, std::floor(std::log10(rough)));
  const double lead = rough / power;
  const double step = power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
  std::vector<double> all;
  for (double i = std::ceil(low_ / step - 1e-9); i * step <= high_ + 1e-9 * step && all.size() < 100; ++i) {
    all.push_back(i * step);
  }
  return all;
}

std::string fill_of(size_t colour) {
  const size_t index = colour % kColours.size();
  return fmt::format("class=\"c{}\" fill=\"{}\"", index, kColours[index]);
}

void SvgCanvas::text(double x, double y, const std::string& text, Anchor anchor, double turned) {
  const std::string turn = turned == 0 ? "" : fmt::format(" transform=\"rotate({:.0f} {:.1f} {:.1f})\"", turned, x, y);
  body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor_name(anchor),
                       turn, xml_text(text));
}

void SvgCanvas::line(double x1, double y1, double x2, double y2, const std::string& style) {
  body_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"currentColor\"{}{}/>\n",
                       x1, y1, x2, y2, style.empty() ? "" : " ", style);
}

void SvgCanvas::path(const std::vector<std::pair<double, double>>& points, size_t colour, bool is_dashed) {
  if (points.empty()) return;
  std::string steps;
  for (const auto& [x, y] : points) steps += fmt::format("{}{:.1f} {:.1f}", steps.empty() ? "M" : "L", x, y);
  if (points.size() == 1) steps += "h0.1";  // a dot, which has no length of its own
  const size_t index = colour % kColours.size();
  body_ += fmt::format(
      "<path d=\"{}\" class=\"l{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" stroke-linecap=\"round\"{}/>\n",
      steps, index, kColours[index], is_dashed ? " stroke-dasharray=\"5 4\"" : "");
}

void SvgCanvas::rect(double x, double y, double width, double height, const std::string& style,
                     const std::string& hint) {
  body_ += with_hint(fmt::format("rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {}", x, y,
                                 std::max(width, 0.0), std::max(height, 0.0), style),
                     hint);
}

void SvgCanvas::circle(double x, double y, double radius, size_t colour, const std::string& hint) {
  body_ +=
      with_hint(fmt::format("circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" {}", x, y, radius, fill_of(colour)), hint);
}

double SvgCanvas::legend(double x, double y, const std::vector<std::string>& names) {
  double at = x, top = y;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string name = shortened(names[i], 32);
    const double width = 24 + 7 * static_cast<double>(columns_of(name));
    if (at > x && at + width > kWidth) {
      at = x;
      top += 18;
    }
    rect(at, top - 9, 10, 10, fill_of(i));
    text(at + 14, top, name);
    at += width;
  }
  return names.empty() ? 0 : top - y + 18;
}

std::string SvgCanvas::finish(double height, const std::string& title) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\" "
      "fill=\"currentColor\">\n<title>{2}</title>\n{3}"
      "</svg>",
      kWidth, height, xml_text(title), body_);
}

}  // namespace heterodyne
