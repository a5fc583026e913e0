// What tests of memory share. No part of the library includes this.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::fixtures {

/// Counts the bytes that this thread allocates and frees, while a c10::DebugInfoGuard of PROFILER_STATE holds it.
class HeldBytes : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override { held_ += size; }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t held() const { return held_; }

 private:
  int64_t held_ = 0;
};

}  // namespace heterodyne::fixtures
