#include "cli/view/profile_view.h"

#include <algorithm>
#include <cmath>

namespace heterodyne::cli {
namespace {

void add_rest(std::map<std::string, double>& shares) {
  double rest = 1;
  for (const auto& [name, share] : shares) rest -= share;
  shares["other"] = std::max(0.0, rest);
}

// What autograd does for nobody in particular is the network's.
std::string part_of(const std::string& name) { return name == "backward" ? "network" : name; }

Value milliseconds(double seconds) { return std::round(1e4 * seconds) / 10; }

}  // namespace

std::map<std::string, double> phase_shares(const Profile& profile, double seconds) {
  std::map<std::string, double> shares;
  for (const auto& [name, sum] : profile.sums()) {
    const bool is_own = name == "data" || name == "optimizer" || name == "backward";
    shares[is_own ? name : "forward"] += sum.seconds / seconds;
    if (sum.backward_seconds > 0) shares["backward"] += sum.backward_seconds / seconds;
  }
  add_rest(shares);
  return shares;
}

std::map<std::string, double> part_shares(const Profile& profile, double seconds) {
  std::map<std::string, double> shares;
  for (const auto& [name, sum] : profile.sums())
    shares[part_of(name)] += (sum.seconds + sum.backward_seconds) / seconds;
  add_rest(shares);
  return shares;
}

Rows profile_rows(const Profile& profile, double seconds) {
  std::map<std::string, Profile::Sum> parts;
  for (const auto& [name, sum] : profile.sums()) {
    auto& part = parts[part_of(name)];
    if (name == "backward") part.backward_seconds += sum.seconds;
    else part.count += sum.count, part.seconds += sum.seconds, part.backward_seconds += sum.backward_seconds;
  }
  const auto shares = part_shares(profile, seconds);
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [name, share] : shares) order.emplace_back(share, name);
  std::sort(order.rbegin(), order.rend());
  Rows rows{{"part", "spans", "forward ms", "backward ms", "share %"}, {}};
  for (const auto& [share, name] : order) {
    const auto found = parts.find(name);
    const Value percent = std::round(1000 * share) / 10;
    if (found == parts.end()) rows.rows.push_back({name, {}, milliseconds(share * seconds), {}, percent});
    else
      rows.rows.push_back({name, found->second.count, milliseconds(found->second.seconds),
                           milliseconds(found->second.backward_seconds), percent});
  }
  return rows;
}

}  // namespace heterodyne::cli
