// Latency: how long forward passes take on this machine, one after another.
#pragma once

#include "heterodyne/data/dataset.h"
#include "heterodyne/data/loader.h"
#include "heterodyne/eval/pass.h"
#include "heterodyne/eval/routing_profile.h"

namespace heterodyne {

/// Passes in eval mode over the first examples of the split, singly (64 times) and in batches as `loading` says (16
/// times), taken in turn when the split is shorter; three passes before them are not counted. Only the network's work
/// is timed, with the threads that are set. Nothing for an empty split.
std::vector<Latency> measure_latency(Network& network, const Dataset& dataset, Split split,
                                     const LoaderOptions& loading, torch::Dtype dtype);

/// The value below which a share `0 < q <= 1` of the values lies: the smallest one that is not exceeded by so many
/// (nearest rank). `values` need not be sorted; at least one.
double percentile(std::vector<double> values, double q);

}  // namespace heterodyne
