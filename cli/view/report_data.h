// Report data: how a network used its experts, for programs. Names are as they were given.
#pragma once

#include "heterodyne/base/rows.h"
#include "heterodyne/eval/routing_profile.h"

namespace heterodyne::cli {

/// One row for each expert of each layer.
Rows routing_rows(const RoutingProfile& profile);

/// One row for each expert of each layer that both profiles have: its share of the assignments before and after, in
/// percent, and the change in points. Experts are the same when they have one id; one that is missing on a side has no
/// share there.
Rows share_changes(const RoutingProfile& before, const RoutingProfile& after);

/// Everything that routing_lines() says, as one document. Shares are 0 .. 1; what is no number is null.
Table routing_table(const RoutingProfile& profile);

}  // namespace heterodyne::cli
