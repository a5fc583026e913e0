// TrainState: how far a run has come. Together with the network's and the optimizer's tensors it is all that the next
// step depends on: every draw and the order of the data are functions of it. Plain values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/base/table.h"
#include "heterodyne/layer/routing_stats.h"

namespace heterodyne {

/// Sums since the last line of training metrics.
struct Window {
  int64_t num_steps = 0;
  int64_t num_examples = 0;
  int64_t num_correct = 0;
  double grad_norm = 0;
  std::map<std::string, double> losses;  // by name, each already weighted; "task" among them
  std::vector<LayerCounts> routing;
};

struct Best {
  double value = 0;
  int64_t step = 0;
};

struct TrainState {
  int64_t step = 0;        // optimizer steps done
  int64_t epoch = 0;       // of the next batch
  int64_t batch = 0;       // of the next batch, within the epoch
  int64_t micro_step = 0;  // forward passes done: the step of their draws
  int64_t num_worse = 0;   // validations since the best one
  std::optional<Best> best;
  Window window;
  std::vector<torch::Tensor> carry = {};  // what the network carries into the next batch; none between epochs
  Sums growth = {};                       // what the grower remembers, see grower.h
  Sums averages = {};                     // of the weights, see growth/averages.h
  int64_t train_size = 0;                 // training examples of the data; 0 when not known
};

Table to_table(const TrainState& state);
/// Throws FormatError naming `file` and the key at fault.
TrainState state_from(const Table& table, const std::string& file);

}  // namespace heterodyne
