// Memory that kernels keep between calls: scratch of each thread, and large buffers that would otherwise be given back
// to the system and be faulted in again at every step (above 32 MB each page of a fresh tensor costs a fault). With the
// probe of isa.h all that this library keeps.
#pragma once

#include "heterodyne/base/torch.h"

namespace heterodyne::ops {

/// At least `count` floats, aligned to cache lines, of the calling thread; until its next call. Values are arbitrary.
float* thread_scratch(int64_t count);

/// A float32 CPU tensor [count] with arbitrary values. Its memory may have been that of an earlier buffer which nobody
/// holds any more; it may be held as long as needed, across a backward pass for one.
torch::Tensor kept_buffer(int64_t count);

/// Gives back what kept_buffer() holds for later.
void release_kept_buffers();

}  // namespace heterodyne::ops
