// Inspect: what weight files, checkpoints and runs hold, read from headers alone. No tensor is built, no hash computed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/io/safetensors_header.h"

namespace heterodyne {

/// "float32"
std::string dtype_name(torch::Dtype dtype);

struct WeightFile {
  std::string path;
  uint64_t num_bytes = 0;
  int64_t num_values = 0;
  std::vector<std::pair<std::string, io::TensorInfo>> tensors;  // in the order of the file

  /// Names of the dtypes that occur: "float32", in the order of their first tensors.
  std::vector<std::string> dtypes() const;
};

struct ExpertInfoLine {
  std::string layer;
  int64_t id = 0;
  std::string kind;
  int64_t num_values = 0;  // of its tensors
};

struct CheckpointSummary {
  std::string folder;
  int64_t step = 0;
  std::string network;  // its kind
  std::vector<ExpertInfoLine> experts;
};

struct RunSteps {
  std::string state;           // the word in the file of this name; empty without it
  std::vector<int64_t> steps;  // of its checkpoints
};

struct Inspection {
  WeightFile weights;
  std::optional<CheckpointSummary> checkpoint;
  std::optional<RunSteps> run;
};

/// `path` is a safetensors file, a checkpoint's folder or a run's (its best checkpoint, otherwise its newest). Throws
/// FormatError, with the byte offset where there is one, when it is none of these or damaged.
Inspection inspect(const std::string& path);

}  // namespace heterodyne
