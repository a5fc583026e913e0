// Loader: the batches of one split in the order of an epoch, prepared ahead by threads of its own.
//
// The order is a pure function of (seed, epoch), drawn from the stream "data.order". A run that goes on at batch b of
// epoch e calls start(e, b) and gets the batches that an unbroken run would have got.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "heterodyne/data/dataset.h"

namespace heterodyne {

struct LoaderOptions {
  int64_t batch = 128;
  bool shuffle = false;           // otherwise the order of the split; a sequential data set is never shuffled
  bool augment = false;           // examples of the training split, anew in each epoch
  bool drop_last = false;         // leave out the last batch of an epoch when it is not full
  bool needs_full_batch = false;  // fewer examples than one batch are an error
  int64_t workers = 1;            // threads; the batches do not depend on their number
  uint64_t seed = 0;
  std::string where = "data";  // the data set's place in the configuration, for error texts: "data.synthetic"
};

class Loader {
 public:
  /// `dataset` must outlive the loader. Throws ConfigError about `batch` when there is no full batch and there must be:
  /// "[data.synthetic] batch: expected at most the 40 training examples, got 128". Throws what Dataset::size() does.
  Loader(const Dataset& dataset, Split split, LoaderOptions options);
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  /// At any time: each thread finishes the batch it is at and ends.
  ~Loader();

  /// Of one epoch.
  int64_t num_batches() const { return num_batches_; }

  /// Begins an epoch at one of its batches; what was left of the one before is dropped.
  void start(int64_t epoch, int64_t first_batch = 0);

  /// The next batch of the epoch, or nothing after the last one and before start(). Beside the one in each thread's
  /// hand at most two wait, so this blocks only when preparing takes longer than using. `random` of the batch is left
  /// alone. An exception of the data set comes out of here, in its place among the batches, and again at each later
  /// call.
  std::optional<Batch> next();

 private:
  // A batch, or what came instead of it.
  struct Prepared {
    Batch batch;
    std::exception_ptr error;
  };
  void stop();
  void work(const std::stop_token& stopped);
  Prepared prepare(int64_t number) const;

  const Dataset& dataset_;
  Split split_;
  LoaderOptions options_;
  int64_t num_examples_;
  int64_t num_batches_;

  int64_t epoch_ = 0;
  std::vector<int64_t> order_;  // of the epoch; only changed while there are no threads

  std::mutex mutex_;  // guards what follows, up to the threads
  std::condition_variable_any changed_;
  std::map<int64_t, Prepared> ready_;  // by number
  int64_t next_number_ = 0;            // the first that no thread has begun
  int64_t taken_ = 0;                  // the number that next() gives
  std::vector<std::jthread> threads_;
};

}  // namespace heterodyne
