#include "heterodyne/ops/scratch.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

namespace heterodyne::ops {
namespace {

constexpr int64_t kLine = 64;        // bytes
constexpr int64_t kSmall = 1 << 18;  // floats: below, the allocator keeps the memory by itself
constexpr size_t kMostBuffers = 64;  // held by nobody, for later

struct FreeAligned {
  void operator()(float* p) const { ::operator delete[](p, std::align_val_t(kLine)); }
};

struct Buffers {
  std::mutex mutex;
  std::vector<torch::Tensor> all;
};

Buffers& buffers() {
  static Buffers kept;
  return kept;
}

bool is_free(const torch::Tensor& buffer) { return buffer.storage().use_count() == 1; }

torch::Tensor fresh(int64_t count) { return torch::empty({count}, torch::kFloat32); }

}  // namespace

float* thread_scratch(int64_t count) {
  thread_local std::unique_ptr<float[], FreeAligned> memory;
  thread_local int64_t size = 0;
  if (size < count) {
    memory.reset();
    size = 0;
    memory.reset(
        static_cast<float*>(::operator new[](static_cast<size_t>(count) * sizeof(float), std::align_val_t(kLine))));
    size = count;
  }
  return memory.get();
}

torch::Tensor kept_buffer(int64_t count) {
  if (count < kSmall) return fresh(count);
  Buffers& kept = buffers();
  const std::lock_guard lock(kept.mutex);
  torch::Tensor* best = nullptr;
  for (auto& buffer : kept.all) {
    const bool fits = is_free(buffer) && buffer.numel() >= count && buffer.numel() <= 2 * count;
    if (fits && (best == nullptr || buffer.numel() < best->numel())) best = &buffer;
  }
  if (best == nullptr) {
    // What has not fitted gives way, so that changing sizes do not pile up.
    if (static_cast<size_t>(std::count_if(kept.all.begin(), kept.all.end(), is_free)) >= kMostBuffers) {
      kept.all.erase(std::find_if(kept.all.begin(), kept.all.end(), is_free));
    }
    kept.all.push_back(fresh(count + count / 32));  // room for the next batch's slightly other count
    best = &kept.all.back();
  }
  return best->narrow(0, 0, count);
}

void release_kept_buffers() {
  Buffers& kept = buffers();
  const std::lock_guard lock(kept.mutex);
  std::erase_if(kept.all, is_free);
}

}  // namespace heterodyne::ops
