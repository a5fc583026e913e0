// MemoryWatch: the most memory that tensors took at one time while it lived, beyond what was there before. Counts what
// LibTorch's CPU allocator gives to this thread, so no scratch of other kinds.
#pragma once

#include <cstdint>
#include <memory>

namespace heterodyne::cli {

class MemoryWatch {
 public:
  MemoryWatch();
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  int64_t peak_bytes() const;
  /// What is still there of what came since.
  int64_t kept_bytes() const;

 private:
  struct State;
  struct Guard;
  std::shared_ptr<State> state_;
  std::unique_ptr<Guard> guard_;
};

}  // namespace heterodyne::cli
