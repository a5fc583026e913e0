// Comparison: runs side by side: how good they are, what they cost, how evenly they use their experts.
#pragma once

#include <string>
#include <vector>

#include "cli/output.h"
#include "heterodyne/eval/paired.h"
#include "heterodyne/eval/run_record.h"

namespace heterodyne::cli {

/// What a network's experts are to each other: none, equal ones, or unlike ones.
enum class Mixture { kDense, kEqual, kMixed };

/// What one run recorded; nothing where it did not.
struct Outcome {
  std::string model;
  std::string path;  // of the run's folder
  Mixture mixture = Mixture::kDense;
  std::optional<int64_t> seed;
  std::optional<double> valid_accuracy, test_accuracy;  // 0 .. 1; the validation is that of the best checkpoint
  std::optional<double> params;
  std::optional<double> routed_macs, executed_macs;  // of one example, at the loads of that validation
  std::optional<double> max_ideal;                   // largest load against an even one, of the worst layer
  std::optional<double> entropy;                     // H of the loads against an even use, mean of the layers, 0 .. 1
  std::optional<double> cv;                          // deviation of the loads over their mean, mean of the layers
  std::optional<double> num_dead;                    // experts without assignments, of all layers
  // Of the routing that was recorded last, means of the layers that have it:
  std::string routed;                 // the split that it is of, "valid", or "mnist test" of another data set's
  std::optional<double> information;  // I(expert; class), nats
  std::optional<double> nmi;          // the same, 2 I / (H_E + H_Y)
  std::optional<double> knock_out;    // what the loss gains when one expert is taken away, nats, mean of the experts
  std::optional<double> latency_ms;   // median forward pass over the smallest batch that was timed
};
Outcome outcome_of(const RunRecord& run, const std::string& model);

/// Mean and sample standard deviation over the runs of a group that recorded the value.
struct SeedSpread {
  int64_t count = 0;
  double mean = 0;
  double deviation = 0;  // 0 for fewer than two
};
SeedSpread spread_of(const std::vector<Outcome>& group, std::optional<double> Outcome::* value);

using OutcomeGroup = std::vector<Outcome>;  // of one `model`

/// What the runs of `group` reached beyond the runs of equal seed in `base`, at the seeds that both have exactly once.
PairedDifference difference_of(const OutcomeGroup& group, const OutcomeGroup& base,
                               std::optional<double> Outcome::* value);

/// One row for each group but the first, for people: its accuracies against the first's, in points, with the 95 %
/// interval: "-0.5 (-2.0 .. 1.0)". No rows where nothing can be paired.
Rows difference_rows(const std::vector<OutcomeGroup>& groups);

/// One line for each group that has a seed twice, so that it is in no pair.
std::vector<std::string> pairing_warnings(const std::vector<OutcomeGroup>& groups);

/// One line where what the runs' routing says is of different splits, with the command that measures one for all.
std::vector<std::string> routing_warnings(const std::vector<OutcomeGroup>& groups);

/// One row for each group. For people "58.6 +- 0.4" and without columns that say nothing of any group, for programs
/// columns of means and deviations and, where a group has several runs, of the accuracies' differences to the first
/// group.
Rows comparison_rows(const std::vector<OutcomeGroup>& groups, const std::string& format);

/// One line for parameters and one for executed MACs when the largest group has over a tenth more than the smallest,
/// with the command that makes a twin of equal budget where one of the two mixes experts and the other does not.
std::vector<std::string> budget_warnings(const std::vector<OutcomeGroup>& groups);

}  // namespace heterodyne::cli
