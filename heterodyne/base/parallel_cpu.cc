#include <ATen/Parallel.h>

#include <atomic>

#include "heterodyne/base/parallel.h"

#ifndef _OPENMP
#error "compile this file with -fopenmp: without it the loops of ATen/Parallel.h are serial"
#endif

namespace heterodyne {

void parallel_for(int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  at::parallel_for(begin, end, grain, body);
}

void for_each_task(int64_t num_tasks, const std::function<void(int64_t)>& task) {
  const int64_t num_threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  if (num_threads <= 1 || num_tasks <= 1) {
    for (int64_t i = 0; i < num_tasks; ++i) task(i);
    return;
  }
  std::atomic<int64_t> next = 0;
  at::parallel_for(0, num_threads, 1, [&](int64_t, int64_t) {
    for (int64_t i; (i = next.fetch_add(1)) < num_tasks;) task(i);
  });
}

}  // namespace heterodyne
