// Importer: a model as other software stores it, as a network of this program and back. Each kind is one file in
// importers/; the file's stem is its name in `heterodyne ls importers` and what `--arch` takes.
//
// A kind knows the other side's configuration (config.json) and the names and shapes of its tensors. It reads no file
// and holds no values: that is foreign/transfer.h.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/base/registry.h"

namespace heterodyne {

/// Tensors of ours that hold the same values as tensors of theirs.
struct TensorMap {
  using Tensors = std::vector<torch::Tensor>;

  std::vector<std::string> ours;  // experts by their position: "layers.0.experts.1.w1.weight"
  std::vector<std::string> theirs;
  /// In the order of those names; each is the other's inverse. Both null: one tensor, equal on both sides.
  std::function<Tensors(const Tensors&)> to_ours = {};
  std::function<Tensors(const Tensors&)> to_theirs = {};
};

/// A foreign model, described.
struct Blueprint {
  Table model;     // the section `model` of a configuration
  DataShape data;  // what it reads
  std::vector<TensorMap> tensors;
  std::vector<std::string> ignored = {};  // tensors of theirs that may be there and hold nothing to keep
  /// How names of theirs end, and how they end in older files: {"norm.weight", "norm.gamma"}.
  std::vector<std::pair<std::string, std::string>> older_endings = {};
};

struct ImporterKind {
  std::string summary;
  Schema schema;                                        // empty: there is nothing to choose
  std::string network;                                  // the kind of network that it is made of
  std::function<bool(const Table& config)> recognizes;  // by the model's type
  /// Throws FormatError naming `where` for a configuration that lacks something, and for one that asks for what the
  /// network has not.
  std::function<Blueprint(const Table& config, const std::string& where)> read;
  /// A configuration for the settings `model` of such a network, all of them written out. Where the other side cannot
  /// say something, the configuration leaves it out; whoever asks compares what read() makes of it. Null: this kind is
  /// not written.
  std::function<Table(const Table& model, const DataShape& data)> write;
};
using ImporterRegistry = Registry<ImporterKind>;

/// The built-in kinds.
const ImporterRegistry& importers();
ImporterRegistry empty_importers();

/// What the kind that recognises the configuration makes of it. Throws FormatError naming `where` and the kinds there
/// are when none does.
Blueprint read_blueprint(const Table& config, const std::string& where);

/// The name of the kind that recognises the configuration; empty when none does.
std::string importer_of(const Table& config);

}  // namespace heterodyne
