// Paired difference: how far apart two ways of doing something are, judged by runs that differ in nothing else.
//
// Runs of equal seed share their data order and initial values, so their differences vary less than the runs do. The
// interval is Student's ("The probable error of a mean", 1908): mean +- t(n - 1) s / sqrt(n).
#pragma once

#include <cstdint>
#include <vector>

namespace heterodyne {

struct PairedDifference {
  int64_t count = 0;
  double mean = 0;
  double deviation = 0;  // of the differences, with n - 1; 0 for fewer than two
  double low = 0;        // of the 95 % interval; equal to `mean` for fewer than two, where there is none
  double high = 0;

  bool has_interval() const { return count > 1; }
  /// Whether the interval leaves out zero. Never without an interval.
  bool is_distinguishable() const { return has_interval() && (low > 0 || high < 0); }
};

/// Of n differences, each of one pair. None gives zeros.
PairedDifference paired_difference(const std::vector<double>& differences);

/// The value that Student's t with `freedom` degrees of freedom, at least 1, stays within in 95 of 100 cases:
/// 12.706 for 1, 4.303 for 2, 1.960 in the limit.
double student_95(int64_t freedom);

}  // namespace heterodyne
