#include "heterodyne/nn/memory_claim.h"

#include <unistd.h>

#include <atomic>

namespace heterodyne::nn {
namespace {

std::atomic<int64_t> claimed = 0;

}  // namespace

int64_t claimable_memory() {
  static const int64_t bytes = int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE) / 4;
  return bytes;
}

std::shared_ptr<const void> claim_memory(int64_t bytes) {
  if (claimed.fetch_add(bytes) + bytes > claimable_memory()) {
    claimed.fetch_sub(bytes);
    return nullptr;
  }
  return {&claimed, [bytes](const void*) { claimed.fetch_sub(bytes); }};
}

}  // namespace heterodyne::nn
