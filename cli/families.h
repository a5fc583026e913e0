// Families: every family of members that a configuration can choose from, by the plural that `heterodyne ls` takes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/registry.h"

namespace heterodyne::cli {

/// {"routers", routers()}, ... in the order in which they are listed.
std::vector<std::pair<std::string, const Family*>> families();

/// Throws ConfigError naming the nearest family.
const Family& family_named(const std::string& plural);

/// Settings that are listed under a name: a member ("router.top_k", with the settings all its family shares), or a
/// section of a configuration ("train", "train.checkpoint", "model.moe"). Throws ConfigError naming the nearest.
std::vector<FieldInfo> fields_named(const std::string& name);

/// Every path that --set takes, in the order of the schema, whatever kinds are chosen: "data.batch". The settings of an
/// entry of a list are those of its first: "model.moe.experts.0.hidden".
std::vector<std::string> setting_paths();

}  // namespace heterodyne::cli
