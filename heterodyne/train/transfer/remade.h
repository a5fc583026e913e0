// Remade: a trained model made again with other settings of its network, and how far apart the answers of two are.
#pragma once

#include <string_view>

#include "heterodyne/train/load_model.h"

namespace heterodyne {

/// A model of the same experiment and vocabulary with other settings `model`, at its first values, in eval mode. Throws
/// ConfigError about the settings.
TrainedModel remade(const TrainedModel& model, Table settings);

/// Copies tensors of equal names, but for those whose name holds `but` when that is not empty. Others keep their
/// values.
void take_values(Network& to, const Network& from, std::string_view but = "");

/// Random symbols or pictures, the same each time.
Batch random_batch(const DataShape& data);
/// The largest difference between two networks' answers to random_batch(); infinity when they are of other shapes.
double disparity(Network& a, Network& b, const DataShape& data);

}  // namespace heterodyne
