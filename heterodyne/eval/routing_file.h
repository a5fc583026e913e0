// routing.safetensors: a routing profile as a file. Tensors are named by layer, "layers.8.count_E"; what is not a
// tensor is one JSON text in the metadata.
#pragma once

#include <string>

#include "heterodyne/eval/routing_profile.h"

namespace heterodyne {

void write_routing(const std::string& path, const RoutingProfile& profile);

/// Throws FormatError naming the tensor or key that is missing or of another shape.
RoutingProfile read_routing(const std::string& path);

}  // namespace heterodyne
