#include "heterodyne/model/freeze.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
bool fits_pattern(std::string_view name, std::string_view pattern) {
  // Where the last star stood, and what it stands for so far: on a mismatch it takes one character more.
  size_t n = 0, p = 0, star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool fits_any(std::string_view name, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return fits_pattern(name, pattern); });
}

void check_patterns(const std::vector<std::string>& patterns, const std::vector<std::string>& names,
                    const PatternSetting& setting) {
  for (const auto& pattern : patterns) {
    if (std::any_of(names.begin(), names.end(), [&](const auto& name) { return fits_pattern(name, pattern); }))
      continue;
    const std::string close = nearest(pattern, names);
    throw ConfigError(setting.section, setting.key,
                      fmt::format("expected names of {} with '*' for any text, got \"{}\", which none of the {} "
                                  "fits{}",
                                  setting.what, pattern, names.size(),
                                  names.empty() ? "" : "; there is " + (close.empty() ? names.front() : close)));
  }
}

void check_freeze(const torch::nn::Module& network, const std::vector<std::string>& patterns, const std::string& key) {
  const auto names = network.named_parameters().keys();
  check_patterns(patterns, names, {"train", key, "parameters"});
  const bool is_any_left =
      std::any_of(names.begin(), names.end(), [&](const auto& name) { return !fits_any(name, patterns); });
  if (!is_any_left) throw ConfigError("train", key, "expected patterns that leave a parameter to be trained, got all");
}

void Freeze::apply(torch::nn::Module& network, const std::vector<std::string>& patterns) {
  thaw();
  for (auto& parameter : network.named_parameters()) {
    if (!parameter.value().requires_grad() || !fits_any(parameter.key(), patterns)) continue;
    parameter.value().set_requires_grad(false);
    frozen_.push_back(parameter.value());
  }
}

void Freeze::thaw() {
  for (auto& parameter : frozen_) parameter.set_requires_grad(true);
  frozen_.clear();
}

}  // namespace heterodyne
