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

constexpr int64_t kMostReady = 2;

const char* adjective(Split split) {
  if (split == Split::kTrain) return "training";
  return split == Split::kValid ? "validation" : "test";
}

}  // namespace

Loader::Loader(const Dataset& dataset, Split split, LoaderOptions options)
    : dataset_(dataset), split_(split), options_(std::move(options)), num_examples_(dataset.size(split)) {
  HETERODYNE_DCHECK(options_.batch > 0 && options_.workers > 0);
  HETERODYNE_DCHECK(!options_.augment || split == Split::kTrain);
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
  if (options_.shuffle) {
    order_ = permutation(num_examples_, RandomStream("data.order"), {options_.seed, static_cast<uint64_t>(epoch)});
  } else {
    order_.resize(static_cast<size_t>(num_examples_));
    std::iota(order_.begin(), order_.end(), int64_t{0});
  }
  epoch_ = epoch;
  ready_.clear();
  next_number_ = taken_ = first_batch;
  for (int64_t i = 0; i < options_.workers; ++i)
    threads_.emplace_back([this](const std::stop_token& stopped) { work(stopped); });
}

std::optional<Batch> Loader::next() {
  std::unique_lock lock(mutex_);
  if (threads_.empty() || taken_ == num_batches_) return std::nullopt;
  changed_.wait(lock, [&] { return ready_.contains(taken_); });
  const auto found = ready_.find(taken_);
  if (found->second.error) std::rethrow_exception(found->second.error);
  Batch batch = std::move(found->second.batch);
  ready_.erase(found);
  ++taken_;
  changed_.notify_all();
  return batch;
}

void Loader::stop() {
  for (auto& thread : threads_) thread.request_stop();  // which wakes it
  threads_.clear();                                     // and waits for it
}

void Loader::work(const std::stop_token& stopped) {
  const int64_t most_begun = options_.workers + kMostReady;
  std::unique_lock lock(mutex_);
  while (true) {
    const bool may_begin = changed_.wait(
        lock, stopped, [&] { return next_number_ == num_batches_ || next_number_ < taken_ + most_begun; });
    if (!may_begin || next_number_ == num_batches_) return;
    const int64_t number = next_number_++;
    lock.unlock();
    Prepared prepared = prepare(number);
    lock.lock();
    const bool failed = prepared.error != nullptr;
    ready_.emplace(number, std::move(prepared));
    changed_.notify_all();
    if (failed) return;
  }
}

Loader::Prepared Loader::prepare(int64_t number) const {
  Prepared prepared;
  try {
    const int64_t begin = number * options_.batch;
    const int64_t count = std::min(options_.batch, num_examples_ - begin);
    auto index_B = torch::empty({count}, torch::kInt64);
    std::copy_n(order_.begin() + begin, count, index_B.data_ptr<int64_t>());
    const RandomKey key{options_.seed, static_cast<uint64_t>(epoch_)};
    prepared.batch = options_.augment ? dataset_.get_augmented(index_B, key) : dataset_.get(split_, index_B);
    prepared.batch.begins_anew = !dataset_.is_sequential();
  } catch (...) {
    prepared.error = std::current_exception();
  }
  return prepared;
}

}  // namespace heterodyne
