// State of a network: its tensors by name, and the experts it consists of. What a checkpoint holds of a network, and
// the way back.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/io/safetensors.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

/// Parameters, then buffers, by their dotted names: "layers.0.experts.2.up.weight". The tensors are the network's own,
/// but for compact weights: bfloat16 copies of those (compact.h); Error where these are in another format.
std::vector<std::pair<std::string, torch::Tensor>> state_of(const Network& network);

/// The experts of each MoE layer by the layer's name: see resize.h.
Table topology_of(Network& network);

/// Gives the network the experts that `topology` names, then every value from `file`. Each tensor of the file must
/// have a place and each place a tensor of the same shape. Throws FormatError with counts and the first name at fault:
/// "step-8/model.safetensors: 2 of 36 tensors missing, 1 unknown, 0 of another shape (first:
/// layers.0.router.gate.weight); ...".
void load_network(Network& network, const Table& topology, const io::SafetensorsFile& file, const std::string& path);

}  // namespace heterodyne
