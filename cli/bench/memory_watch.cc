#include "cli/bench/memory_watch.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>

namespace heterodyne::cli {

struct MemoryWatch::State : c10::MemoryReportingInfoBase {
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    bytes += size;
    peak = std::max(peak, bytes);
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t bytes = 0, peak = 0;
};

struct MemoryWatch::Guard {
  explicit Guard(std::shared_ptr<State> state) : guard(c10::DebugInfoKind::PROFILER_STATE, std::move(state)) {}
  c10::DebugInfoGuard guard;
};

MemoryWatch::MemoryWatch() : state_(std::make_shared<State>()), guard_(std::make_unique<Guard>(state_)) {}

MemoryWatch::~MemoryWatch() = default;

int64_t MemoryWatch::peak_bytes() const { return state_->peak; }

int64_t MemoryWatch::kept_bytes() const { return state_->bytes; }

}  // namespace heterodyne::cli
