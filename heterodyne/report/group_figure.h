// Group figure: how the experts of a layer share out tokens of different groups: classes, patch rows, token types.
#pragma once

#include <optional>
#include <string>

#include "heterodyne/eval/information.h"
#include "heterodyne/report/panel.h"

namespace heterodyne {

/// A share of fewer tokens than this is drawn grey.
constexpr int64_t kFewTokens = 50;

/// The layer's assignments by group; nothing when it has no such group or the counts do not fit its experts.
std::optional<Contingency> contingency_of(const LayerProfile& layer, const std::string& group);

/// Whether the profile is of a text: its tokens have types, and no classes.
bool is_of_text(const RoutingProfile& profile);

/// P(expert | group), switched to P(group | expert), for each layer that has the group; no views when none has.
Figure group_figure(const RoutingProfile& profile, const std::string& group, const std::string& title);

}  // namespace heterodyne
