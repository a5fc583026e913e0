// MetricSeries: what is kept of one metric over a run: its latest value, its range, and a curve of bounded size.
//
// Up to 1,000 values are kept as they are. From then on the curve is thinned: equal numbers of neighbouring values make
// one bin, of which the smallest and the largest stay, so that no spike is lost. Equal values in equal order give equal
// curves, whether they come while the run goes on or are read again later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heterodyne::io {

struct MetricPoint {
  int64_t step = 0;
  double value = 0;
  bool operator==(const MetricPoint&) const = default;
};

class MetricSeries {
 public:
  static constexpr size_t kMaxPoints = 1000;

  /// The next value. One that is not finite becomes last() and nothing else.
  void add(int64_t step, double value);

  /// Nothing before the first add(); the value may be NaN or infinite.
  const std::optional<MetricPoint>& last() const { return last_; }
  /// The first of equals. Nothing before the first finite value.
  const std::optional<MetricPoint>& lowest() const { return lowest_; }
  const std::optional<MetricPoint>& highest() const { return highest_; }
  /// In the order in which they came, at most kMaxPoints, all finite.
  std::vector<MetricPoint> points() const;

 private:
  struct Bin {
    MetricPoint lowest, highest;
    int64_t num_values = 0;
    bool is_lowest_first = true;
    void add(const MetricPoint& point);
    void add(const Bin& later);
  };
  void merge_neighbours();

  std::optional<MetricPoint> last_, lowest_, highest_;
  std::vector<Bin> bins_;
  int64_t values_per_bin_ = 2;
};

/// 16 bytes for each point, little-endian: the step as int64, the value as float64.
std::string pack_points(const std::vector<MetricPoint>& points);
/// Throws FormatError naming `where` unless there are whole points, and no more than a series keeps.
std::vector<MetricPoint> unpack_points(const std::string& bytes, const std::string& where);

}  // namespace heterodyne::io
