#include "heterodyne/data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/permutation.h"

namespace heterodyne {
namespace {

constexpr size_t kMostReady = 2;

const char* adjective(Split split) {
  if (split == Split::kTrain) return "training";
  return split == Split::kValid ? "validation" : "test";
}

}  // namespace

Loader::Loader(const Dataset& dataset, Split split, LoaderOptions options)
    : dataset_(dataset), split_(split), options_(std::move(options)), num_examples_(dataset.size(split)) {
  HETERODYNE_DCHECK(options_.batch > 0);
  options_.shuffle = options_.shuffle && !dataset.is_sequential();
  if ((options_.drop_last || options_.needs_full_batch) && num_examples_ < options_.batch) {
    throw ConfigError(options_.where, "batch",
                      fmt::format("expected at most the {} {} examples, got {}", with_commas(num_examples_),
                                  adjective(split), with_commas(options_.batch)));
  }
  num_batches_ = (num_examples_ + (options_.drop_last ? 0 : options_.batch - 1)) / options_.batch;
}

Loader::~Loader() { stop(); }

void Loader::start(int64_t epoch, int64_t first_batch) {
  HETERODYNE_DCHECK(epoch >= 0 && first_batch >= 0 && first_batch <= num_batches_);
  stop();
  std::vector<int64_t> order;
  if (options_.shuffle) {
    order = permutation(num_examples_, RandomStream("data.order"), {options_.seed, static_cast<uint64_t>(epoch)});
  } else {
    order.resize(static_cast<size_t>(num_examples_));
    std::iota(order.begin(), order.end(), int64_t{0});
  }
  ready_.clear();
  error_ = nullptr;
  is_finished_ = false;
  thread_ = std::jthread([this, order = std::move(order), first_batch](const std::stop_token& stopped) {
    prepare(stopped, order, first_batch);
  });
}

std::optional<Batch> Loader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !ready_.empty() || is_finished_; });
  if (ready_.empty()) {
    if (error_ != nullptr) std::rethrow_exception(error_);
    return std::nullopt;
  }
  Batch batch = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return batch;
}

void Loader::stop() {
  thread_ = std::jthread();  // asks the old one to stop, which wakes it, and waits for it
}

void Loader::prepare(const std::stop_token& stopped, const std::vector<int64_t>& order, int64_t first_batch) {
  std::exception_ptr error;
  try {
    for (int64_t number = first_batch; number < num_batches_ && !stopped.stop_requested(); ++number) {
      const int64_t begin = number * options_.batch;
      const int64_t count = std::min(options_.batch, num_examples_ - begin);
      auto index_B = torch::empty({count}, torch::kInt64);
      std::copy_n(order.begin() + begin, count, index_B.data_ptr<int64_t>());
      Batch batch = dataset_.get(split_, index_B);
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stopped, [&] { return ready_.size() < kMostReady; })) return;
      ready_.push_back(std::move(batch));
      changed_.notify_all();
    }
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  error_ = error;
  is_finished_ = true;
  changed_.notify_all();
}

}  // namespace heterodyne
