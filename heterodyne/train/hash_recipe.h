// HashRecipe: an experiment whose experts are chosen by clusters of symbols, made from a trained language model.
#pragma once

#include "heterodyne/train/load_model.h"

namespace heterodyne {

/// The model's configuration with the router `hash` in the place of its own, whose table sends the symbols that lie
/// together in the model's embedding to one expert; without balancers, which a table has no use for. It names the
/// number of symbols, so that a text with others is refused. Throws ConfigError unless the model reads text through an
/// embedding and has layers of equally many experts.
Table hash_recipe(const TrainedModel& model, uint64_t seed);

}  // namespace heterodyne
