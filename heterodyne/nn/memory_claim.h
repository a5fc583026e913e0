// Memory claim: caches that repeat what is held anyway, and may take no more than a part of the machine's memory.
#pragma once

#include <cstdint>
#include <memory>

namespace heterodyne::nn {

/// Claims so many bytes until the last copy of the answer is gone. Null when all claims together would exceed
/// claimable_memory(): then the cache is not made. From any thread.
std::shared_ptr<const void> claim_memory(int64_t bytes);

/// Bytes: a quarter of the machine's memory.
int64_t claimable_memory();

}  // namespace heterodyne::nn
