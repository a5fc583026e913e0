// Cost: what a piece of a network costs. MACs are multiply-adds of matrix products and convolutions; element-wise
// work is not counted. Reals, because an average per image need not be whole.
#pragma once

#include <cstdint>

namespace heterodyne {

struct Cost {
  double macs = 0;
  int64_t params = 0;
  double bytes = 0;  // read and written, weights included, each counted once

  Cost& operator+=(const Cost& other) {
    macs += other.macs;
    params += other.params;
    bytes += other.bytes;
    return *this;
  }
};

inline Cost operator+(Cost a, const Cost& b) { return a += b; }

/// Work done once for the routed assignments alone, and work that was really computed.
struct CostPair {
  Cost routed;
  Cost executed;

  CostPair& operator+=(const CostPair& other) {
    routed += other.routed;
    executed += other.executed;
    return *this;
  }
};

}  // namespace heterodyne
