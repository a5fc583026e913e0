#include "heterodyne/base/parallel.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace heterodyne::parallel_test {
namespace {

class ThreadCount {
 public:
  explicit ThreadCount(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~ThreadCount() { at::set_num_threads(before_); }

 private:
  int before_;
};

TEST(Parallel, EveryElementAndEveryTaskIsSeenOnce) {
  for (const int threads : {1, 2, 3}) {
    const ThreadCount count(threads);
    for (const int64_t size : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(size));
      parallel_for(0, size, 3, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) ++seen[static_cast<size_t>(i)];
      });
      for_each_task(size, [&](int64_t i) { ++seen[static_cast<size_t>(i)]; });
      for (const auto& times : seen) EXPECT_EQ(times, 2);
    }
  }
}

TEST(Parallel, TwoThreadsWorkAtOnce) {
  const ThreadCount count(2);
  std::atomic<int> arrived = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for_each_task(2, [&](int64_t) {
    ++arrived;
    while (arrived < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
  EXPECT_LT(std::chrono::steady_clock::now(), deadline) << "the loop is serial";
}

TEST(Parallel, AnExceptionComesOut) {
  for (const int threads : {1, 2}) {
    const ThreadCount count(threads);
    EXPECT_THROW(for_each_task(5,
                               [](int64_t i) {
                                 if (i == 3) throw std::runtime_error("three");
                               }),
                 std::runtime_error);
    EXPECT_THROW(parallel_for(0, 100, 1, [](int64_t, int64_t) { throw std::runtime_error("all"); }),
                 std::runtime_error);
  }
}

}  // namespace
}  // namespace heterodyne::parallel_test
