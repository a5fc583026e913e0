// Start: a network that begins with values of another run: of its experts alone, of all but its head, of whatever the
// names fit (`train.start` of a configuration).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/log.h"
#include "heterodyne/base/table.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne {

/// What became of every tensor of the network.
struct StartReport {
  std::string from;                // the checkpoint's folder
  int64_t step = 0;                // of that checkpoint
  std::vector<std::string> taken;  // names, as in checkpoints
  std::vector<std::string> kept;   // those that keep their first values
  int64_t num_taken_values = 0;
  int64_t num_values = 0;

  Table table() const;
  /// The same as the text of start.json.
  std::string json() const;
  /// "40 of 42 tensors (356,321 of 357,611 values) as in runs/a/checkpoints/step-00000040; at their first values:
  /// head.weight, head.bias"
  std::string text() const;
};

/// The model whose values training starts with; nothing where train.start names none. Throws what load_model() does.
std::optional<TrainedModel> start_source(const Experiment& experiment, const Families& families = {},
                                         const Log& log = {});

/// Where a tensor with a row for each of the source's symbols is to be taken over, the experiment reads its texts with
/// the source's vocabulary: other symbols would get their rows.
void take_start_vocabulary(Experiment& experiment, const TrainedModel& source);

/// Throws ConfigError about train.start when one of its patterns fits no tensor of the network, or when none is left to
/// be taken over.
void check_start(const StartOptions& options, const Network& network);

/// Copies the values. Layers of which something is taken get the source's experts, by id; corrections of low rank which
/// it has not keep their first values. Throws ConfigError as check_start() does, FormatError when a tensor that is to
/// be taken is missing in the source or has another shape there: "runs/a/...: 3 of 42 tensors differ from the
/// network's, first stem.conv.weight: expected [16, 3, 8, 8], got [8, 3, 8, 8]".
StartReport start_from(Network& network, const StartOptions& options, const TrainedModel& source);

}  // namespace heterodyne
