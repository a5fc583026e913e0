#include "heterodyne/io/metric_series.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "heterodyne/base/error.h"

namespace heterodyne::io {
namespace {

constexpr size_t kPointBytes = 16;
static_assert(std::endian::native == std::endian::little, "points are packed as they lie in memory");

}  // namespace

void MetricSeries::Bin::add(const MetricPoint& point) {
  if (num_values == 0) {
    lowest = highest = point;
  } else if (point.value < lowest.value) {
    lowest = point;
    is_lowest_first = false;
  } else if (point.value > highest.value) {
    highest = point;
    is_lowest_first = true;
  } else if (num_values == 1) {
    highest = point;  // equal to the first: both stay as long as a bin has room for both
  }
  ++num_values;
}

void MetricSeries::Bin::add(const Bin& later) {
  const bool is_lower = later.lowest.value<lowest.value, is_higher = later.highest.value> highest.value;
  if (is_lower && is_higher) is_lowest_first = later.is_lowest_first;
  else if (is_lower) is_lowest_first = false;
  else if (is_higher) is_lowest_first = true;
  if (is_lower) lowest = later.lowest;
  if (is_higher) highest = later.highest;
  num_values += later.num_values;
}

void MetricSeries::add(int64_t step, double value) {
  last_ = {step, value};
  if (!std::isfinite(value)) return;
  if (!lowest_ || value < lowest_->value) lowest_ = last_;
  if (!highest_ || value > highest_->value) highest_ = last_;
  if (bins_.empty() || bins_.back().num_values == values_per_bin_) {
    if (2 * bins_.size() == kMaxPoints) merge_neighbours();
    bins_.emplace_back();
  }
  bins_.back().add(*last_);
}

void MetricSeries::merge_neighbours() {
  for (size_t i = 0; i < bins_.size() / 2; ++i) {
    const Bin later = bins_[2 * i + 1];
    bins_[i] = bins_[2 * i];
    bins_[i].add(later);
  }
  bins_.resize(bins_.size() / 2);
  values_per_bin_ *= 2;
}

std::vector<MetricPoint> MetricSeries::points() const {
  std::vector<MetricPoint> points;
  points.reserve(2 * bins_.size());
  for (const Bin& bin : bins_) {
    points.push_back(bin.is_lowest_first ? bin.lowest : bin.highest);
    if (bin.lowest != bin.highest) points.push_back(bin.is_lowest_first ? bin.highest : bin.lowest);
  }
  return points;
}

std::string pack_points(const std::vector<MetricPoint>& points) {
  static_assert(sizeof(MetricPoint) == kPointBytes);
  std::string bytes(points.size() * kPointBytes, '\0');
  if (!points.empty()) std::memcpy(bytes.data(), points.data(), bytes.size());
  return bytes;
}

std::vector<MetricPoint> unpack_points(const std::string& bytes, const std::string& where) {
  if (bytes.size() % kPointBytes != 0 || bytes.size() > MetricSeries::kMaxPoints * kPointBytes) {
    throw FormatError::in_file(where, "points: expected at most " + std::to_string(MetricSeries::kMaxPoints) +
                                          " of 16 bytes, got " + std::to_string(bytes.size()) + " bytes");
  }
  std::vector<MetricPoint> points(bytes.size() / kPointBytes);
  if (!points.empty()) std::memcpy(points.data(), bytes.data(), bytes.size());
  return points;
}

}  // namespace heterodyne::io
