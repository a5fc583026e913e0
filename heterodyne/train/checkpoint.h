// Checkpoint: one folder that holds everything a run needs to go on.
//
//   step-00000040/  model.safetensors  optimizer.safetensors  state.json  manifest.json
//                   and where there is something to keep: carry.safetensors  growth.safetensors  averages.safetensors
//                   tokenizer.json or tokenizer.model  tokenizer_config.json
//
// manifest.json is written last and names each file with its size and SHA-256. The folder is made under a temporary
// name and renamed, so it is there whole or not at all. Tensors are named, never numbered; no pickles.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/model/network.h"
#include "heterodyne/train/experiment.h"
#include "heterodyne/train/optimizer.h"
#include "heterodyne/train/state.h"

namespace heterodyne {

/// Written into every checkpoint; readers refuse higher numbers.
constexpr int64_t kCheckpointFormat = 1;

/// Writes the folder; the resolved experiment and its vocabulary go along, so that a checkpoint can be used on its own.
/// Throws DeviceError when the disk refuses, and leaves nothing behind then.
void save_checkpoint(const std::string& folder, Network& network, Optimizer& optimizer, const TrainState& state,
                     const Experiment& experiment);

/// Checks sizes and hashes. Throws FormatError naming the file and what is wrong with it.
void verify_checkpoint(const std::string& folder);

/// A verified checkpoint, without its tensors.
struct CheckpointInfo {
  std::string folder;
  Table config;
  Table experts;  // of each MoE layer, see topology_of()
  TrainState state;
  Vocabulary vocabulary = {};         // of a model of text
  std::string tokenizer_config = {};  // its chat template: see data/model_template.h
};
/// The experiment that it is of. `families` as for read_experiment().
Experiment experiment_of(const CheckpointInfo& checkpoint, const Families& families = {});

/// Throws FormatError when it is damaged, of a newer format, or not a checkpoint.
CheckpointInfo read_checkpoint(const std::string& folder);

/// The same without a look at sizes and hashes, for who only looks; what it says of the step and the experts may not be
/// what the tensors hold.
CheckpointInfo peek_checkpoint(const std::string& folder);

/// Loads the values into a network of the same configuration; into the optimizer too, when there is one. Without an
/// optimizer, for who only uses the model, averages that training validated take the place of the weights.
void load_checkpoint(const CheckpointInfo& checkpoint, Network& network, Optimizer* optimizer);

/// The values that load_checkpoint() without an optimizer gives a network, by name, where they lie: views of the file,
/// which may hold bfloat16 in the place of float32, and averages.
NamedTensors values_of(const CheckpointInfo& checkpoint);

/// The checkpoints of a run: a folder of them, with LAST and BEST naming two.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::string path) : path_(std::move(path)) {}

  std::string folder_of(int64_t step) const;
  /// Steps of all checkpoints that carry a manifest, ascending. Nothing when the folder does not exist.
  std::vector<int64_t> steps() const;
  /// What LAST and BEST say, when that checkpoint exists.
  std::optional<int64_t> last() const { return named("LAST"); }
  std::optional<int64_t> best() const { return named("BEST"); }

  /// Writes the names of the newest and, when it is there, the best checkpoint; otherwise BEST stays.
  void name(int64_t last, std::optional<int64_t> best) const;
  /// The same; then removes the others but for the one that BEST names and the `keep` newest up to `last` (later ones
  /// are of a future that was given up).
  void settle(int64_t last, std::optional<int64_t> best, int64_t keep) const;

 private:
  std::optional<int64_t> named(const std::string& name) const;

  std::string path_;
};

}  // namespace heterodyne
