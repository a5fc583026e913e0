// SVG canvas: the elements that pictures of charts are put together from, and the scales of their axes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heterodyne {

/// Text for XML: escaped; control characters that XML has no room for and bytes that are not UTF-8 become U+FFFD.
std::string xml_text(std::string_view text);

/// At most `columns` characters, the last of them an ellipsis when some are cut off.
std::string shortened(const std::string& text, size_t columns);

/// Maps low .. high to from .. to, with round numbers for an axis. A range without width is widened.
class Scale {
 public:
  Scale(double low, double high, double from, double to);
  double operator()(double value) const { return from_ + (value - low_) / (high_ - low_) * (to_ - from_); }
  /// Round numbers inside the range, about `wanted`.
  std::vector<double> ticks(int wanted) const;

 private:
  double low_, high_, from_, to_;
};

enum class Anchor { kStart, kMiddle, kEnd };

/// Collects elements. Coordinates are written with one decimal, so equal pictures have equal bytes.
class SvgCanvas {
 public:
  static constexpr double kWidth = 720;

  void text(double x, double y, const std::string& text, Anchor anchor = Anchor::kStart, double turned = 0);
  void line(double x1, double y1, double x2, double y2, const std::string& style = "");
  void path(const std::vector<std::pair<double, double>>& points, size_t colour, bool is_dashed);
  /// `hint` is shown when a pointer rests on it.
  void rect(double x, double y, double width, double height, const std::string& style, const std::string& hint = "");
  void circle(double x, double y, double radius, size_t colour, const std::string& hint);
  /// Coloured squares with names, in as many lines as they need; returns the height they take.
  double legend(double x, double y, const std::vector<std::string>& names);

  /// The whole element.
  std::string finish(double height, const std::string& title) const;

 private:
  std::string body_;
};

/// class="c3" with the colour that stands in where a page has no rule for that class.
std::string fill_of(size_t colour);

}  // namespace heterodyne
