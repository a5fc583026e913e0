// Report data: how a network used its experts, for programs. Names are as they were given.
#pragma once

#include "heterodyne/base/rows.h"
#include "heterodyne/eval/routing_profile.h"

namespace heterodyne::cli {

/// One row for each expert of each layer.
Rows routing_rows(const RoutingProfile& profile);

/// Everything that routing_lines() says, as one document. Shares are 0 .. 1; what is no number is null.
Table routing_table(const RoutingProfile& profile);

}  // namespace heterodyne::cli
