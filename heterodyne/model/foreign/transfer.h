// Transfer: values from the tensors of a foreign model into a network, and back, with proof that none was left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heterodyne/io/tensor_files.h"
#include "heterodyne/model/importer.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

/// What became of the tensors of both sides: those that values came from, and those that they went to.
struct Coverage {
  int64_t num_source = 0;
  int64_t num_used = 0;
  std::vector<std::string> ignored;  // of the source, with nothing to keep
  int64_t num_target = 0;
  int64_t num_filled = 0;
  int64_t num_values = 0;  // of the network

  /// "30 of 31 source tensors used, 1 ignored by name (lm_head.weight); 30 of 30 target tensors from the source, 0 left
  /// at their initial value; 78,576 values compared"
  std::string sentence() const;
};

/// Fills every parameter and buffer of the network and compares it with its source afterwards. Values of narrower types
/// are widened. Throws CheckError with counts and the first name at fault when a tensor is missing, left over or of
/// another shape; the network is not to be used then.
Coverage fill_network(Network& network, const Blueprint& blueprint, const io::TensorFiles& files);

/// The network's values as their tensors, in the order of the blueprint, of type `dtype` where they are floating point.
/// Throws CheckError when the blueprint has no place for one of the network's tensors, asks for one that the network
/// has not, or for another shape.
NamedTensors foreign_tensors(Network& network, const Blueprint& blueprint, torch::Dtype dtype, Coverage& coverage);

}  // namespace heterodyne
