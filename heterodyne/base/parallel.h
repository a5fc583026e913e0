// Parallel loops over LibTorch's pool of threads. The loops of LibTorch's own header run serially where a file is not
// compiled for OpenMP, without a word; these are compiled for it once, so who calls them need not be.
//
// What a loop computes must not depend on how its range is split: then it has the same bits for any number of threads.
// The first exception of a body is thrown again when the loop has ended. A loop inside a loop runs serially.
#pragma once

#include <cstdint>
#include <functional>

namespace heterodyne {

/// Calls body(first, last) for parts of [begin, end) of at least `grain` elements that cover it, one a thread.
void parallel_for(int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

/// Calls task(i) once for each i in [0, num_tasks). Threads take the next task when they are done with one, so that
/// tasks may differ in size; the largest should come first.
void for_each_task(int64_t num_tasks, const std::function<void(int64_t)>& task);

}  // namespace heterodyne
