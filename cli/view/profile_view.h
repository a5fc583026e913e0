// A profile of training steps as shares and as a table.
#pragma once

#include <map>
#include <string>

#include "heterodyne/base/profile.h"
#include "heterodyne/base/rows.h"

namespace heterodyne::cli {

/// Shares of `seconds`: "data", "forward", "backward", "optimizer", and "other" for what no span covers.
std::map<std::string, double> phase_shares(const Profile& profile, double seconds);
/// Forward and backward together, by span: "router", "dispatch", "experts", "combine", "losses", "network" for what is
/// in none of them; "optimizer", "data", and "other" for what no span covers.
std::map<std::string, double> part_shares(const Profile& profile, double seconds);

/// A row for each part, the largest first.
Rows profile_rows(const Profile& profile, double seconds);

}  // namespace heterodyne::cli
