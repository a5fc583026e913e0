// Resize: the only way in which the number of a layer's experts changes. Experts' own tensors never move; whatever
// has an axis over the experts is rearranged, and the caller is told how, so that optimizer moments and averages can
// follow.
//
// Letters: E experts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/layer/moe_layer.h"

namespace heterodyne {

/// How the entries of one tensor's expert axis were rearranged: the new entry e was the old entry source_E[e], or is
/// new where that is -1.
struct AxisChange {
  std::string name;  // full parameter name under the layer: "router.gate.weight"
  int64_t axis = 0;
  std::vector<int64_t> source_E;
};

/// The tensor rearranged; new entries are filled with `fill_rest`, which is broadcast, or with the mean of the old
/// entries when it is undefined.
torch::Tensor rearranged(const torch::Tensor& tensor, const AxisChange& change, const torch::Tensor& fill_rest = {});

struct NewExpert {
  int64_t group = 0;
  std::optional<int64_t> copy_of = {};  // id of an expert of the same group whose weights and router entries it takes
  std::optional<int64_t> like = {};     // the same but for the weights, which are fresh; no need with copy_of
};

struct Resized {
  int64_t id = 0;                   // of the expert that came or went
  std::vector<AxisChange> changes;  // every tensor with an expert axis
};

/// Adds an expert at the end of its group. Without copy_of its weights are fresh, from the stream of its id; without
/// either its entries in the router are the mean of the others'. It is of the size of the one that is named. Throws
/// Error when the group or an expert that is named does not exist or they do not match.
Resized add_expert(MoeLayer& layer, const NewExpert& expert);

/// Removes the expert with this id. Throws Error when there is none, when it is the last, or when the router's k would
/// exceed the number of experts left.
Resized remove_expert(MoeLayer& layer, int64_t id);

/// Whether the expert's weights are left as they are by optimizers. Its entries in the router are not meant. Throws
/// Error when there is none with this id.
void set_frozen(MoeLayer& layer, int64_t id, bool is_frozen);

/// Where the expert with this id stands. Throws Error when there is none.
int64_t position_of(const MoeLayer& layer, int64_t id);

/// The layer's experts as a table for checkpoints: next id, and id, group and index of each, by position.
Table topology(const MoeLayer& layer);
/// Makes the layer's experts those of the table, so that weights can be loaded; their values are those of fresh
/// experts. Throws FormatError naming `file` when the table does not fit the layer's groups.
void set_topology(MoeLayer& layer, const Table& table, const std::string& file);

}  // namespace heterodyne
