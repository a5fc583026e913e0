#include <benchmark/benchmark.h>

#include "heterodyne/data/image_set.h"

namespace heterodyne {
namespace {

// A batch of 128 images from all over a set of 10,000; bytes are those of the float32 output.
void BM_ImageDatasetGet(benchmark::State& state) {
  const DataShape shape{.channels = state.range(0), .height = state.range(1), .width = state.range(1)};
  constexpr int64_t kCount = 10'000;
  constexpr int64_t kBatch = 128;
  const auto channels = static_cast<size_t>(shape.channels);
  const size_t num_pixels = channels * static_cast<size_t>(kCount * shape.height * shape.width);
  const ImageDataset dataset(
      {.train = image_set_of(std::string(num_pixels, '\x55'), std::vector<int64_t>(kCount), shape),
       .load_test = {},
       .class_names = {"only"},
       .normalize = {std::vector<double>(channels, 0.5), std::vector<double>(channels, 0.25)},
       .validation = 0});
  const auto index_B = torch::arange(kBatch) * 7919 % kCount;
  for (auto _ : state) benchmark::DoNotOptimize(dataset.get(Split::kTrain, index_B).inputs.data_ptr());
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.SetBytesProcessed(state.iterations() * kBatch * shape.channels * shape.height * shape.width * 4);
}
BENCHMARK(BM_ImageDatasetGet)->ArgNames({"channels", "size"})->Args({1, 28})->Args({3, 32})->Args({3, 224});

}  // namespace
}  // namespace heterodyne
