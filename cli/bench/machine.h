// Machine: what this machine can do, measured in the same turns as what is compared with it: products of matrices by
// LibTorch and by this project's linear layer, and memory read and copied.
#pragma once

#include <vector>

#include "cli/bench/interleave.h"

namespace heterodyne::cli {

constexpr double kBytesRead = 4.0 * (16 << 20);  // by a turn of "read"

/// Rates of the fastest turn of each work, and every turn of reading.
struct MachineRates {
  double product = 0;  // FLOP/s of the faster of the two products
  double libtorch_product = 0, own_product = 0;
  double read = 0, copy = 0;  // bytes/s; of a copy what is read and what is written
  Timing reading;             // of kBytesRead, turn by turn

  /// Bytes/s of work that reads `bytes` in each turn, as a share of those of memory in the same turn: the median.
  double share_of_reading(double bytes, const Timing& work) const;
};

/// Works "mm", "linear", "read" and "copy". They hold about 200 MB together.
std::vector<Work> machine_works();

/// From the timings of those works among others.
MachineRates machine_rates(const std::vector<Timing>& timings);

}  // namespace heterodyne::cli
