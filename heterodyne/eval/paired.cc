#include "heterodyne/eval/paired.h"

#include <cmath>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

// P(|T| <= t) for n degrees of freedom, by the finite series of Abramowitz and Stegun (1964), 26.7.3 and 26.7.4:
// with theta = atan(t / sqrt(n)) a polynomial in cos(theta), whose every term follows from the one before.
double share_within(double t, int64_t n) {
  constexpr double kPi = 3.14159265358979323846;
  const double theta = std::atan(t / std::sqrt(static_cast<double>(n)));
  const double square = std::cos(theta) * std::cos(theta);
  const bool is_odd = n % 2 == 1;
  double sum = 0, term = is_odd ? std::cos(theta) : 1;
  for (int64_t power = is_odd ? 1 : 0; power <= n - 2; power += 2) {
    sum += term;
    const auto p = static_cast<double>(power);
    term *= square * (p + 1) / (p + 2);
  }
  return is_odd ? 2 / kPi * (theta + std::sin(theta) * sum) : std::sin(theta) * sum;
}

}  // namespace

double student_95(int64_t freedom) {
  HETERODYNE_DCHECK(freedom >= 1);
  constexpr double kShare = 0.95;
  constexpr int kHalvings = 60;  // of an interval of 16, below the last digit of a double
  double low = 0, high = 16;     // the largest, of one degree, is 12.7
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (share_within(middle, freedom) < kShare ? low : high) = middle;
  }
  return (low + high) / 2;
}

PairedDifference paired_difference(const std::vector<double>& differences) {
  PairedDifference result;
  result.count = static_cast<int64_t>(differences.size());
  if (differences.empty()) return result;
  const auto n = static_cast<double>(differences.size());
  for (const double difference : differences) result.mean += difference / n;
  result.low = result.high = result.mean;
  if (differences.size() < 2) return result;
  for (const double difference : differences) result.deviation += std::pow(difference - result.mean, 2) / (n - 1);
  result.deviation = std::sqrt(result.deviation);
  const double half = student_95(result.count - 1) * result.deviation / std::sqrt(n);
  result.low -= half;
  result.high += half;
  return result;
}

}  // namespace heterodyne
