// Remedies: settings of MoE layers that may help when their experts are used unevenly. For warnings and reports.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/base/table.h"

namespace heterodyne {

/// What to try so that tokens spread more evenly, given the resolved section model.moe: "a larger
/// model.moe.balancers.0.weight (0.02 now)", "model.moe.router.noise = \"gumbel\"". Names only settings that the
/// section's members have. Without a section, what any layer can be given.
std::vector<std::string> remedies_for_uneven_load(const Table& moe);

/// The same as a sentence: "Try A, B or C."
std::string remedy_sentence(const Table& moe);

}  // namespace heterodyne
