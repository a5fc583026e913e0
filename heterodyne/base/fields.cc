#include "heterodyne/base/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "heterodyne/base/registry.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

std::string bound_text(double bound) {
  return std::floor(bound) == bound && std::abs(bound) < 1e15 ? std::to_string(static_cast<int64_t>(bound))
                                                              : shortest(bound);
}

}  // namespace

Member::Member(Table written, Families brought) : settings(std::move(written)), families(std::move(brought)) {
  const Value* name = settings.find("kind");
  if (name != nullptr && name->if_text() != nullptr) kind = *name->if_text();
}

std::string Rules::range() const {
  if (!choices.empty()) return join(choices, " | ");
  if (family != nullptr) return "any " + family->name();
  if (has_lowest && has_highest) return bound_text(lowest) + " .. " + bound_text(highest);
  if (has_lowest) return (excludes_lowest ? "> " : ">= ") + bound_text(lowest);
  return "";
}

Rule between(double lowest, double highest) {
  return [=](Rules& rules) {
    rules.lowest = lowest;
    rules.highest = highest;
    rules.has_lowest = rules.has_highest = true;
  };
}

Rule at_least(double lowest) {
  return [=](Rules& rules) {
    rules.lowest = lowest;
    rules.has_lowest = true;
  };
}

Rule more_than(double bound) {
  return [=](Rules& rules) {
    rules.lowest = bound;
    rules.has_lowest = rules.excludes_lowest = true;
  };
}

Rule share() { return between(0, 1); }

Rule one_of(std::vector<std::string> choices) {
  return [choices = std::move(choices)](Rules& rules) { rules.choices = choices; };
}

Rule member_of(const Family& family) {
  return [&family](Rules& rules) { rules.family = &family; };
}

Rule list_or_one() {
  return [](Rules& rules) { rules.is_list_or_one = true; };
}

Rule list_or_none() {
  return [](Rules& rules) { rules.is_list_or_one = rules.may_be_empty = true; };
}

Rule required() {
  return [](Rules& rules) { rules.is_required = true; };
}

Rule positional() {
  return [](Rules& rules) { rules.is_positional = true; };
}

Rule optional_value() {
  return [](Rules& rules) { rules.is_value_optional = true; };
}

Rule effective_when(bool condition, std::string otherwise) {
  return [condition, otherwise = std::move(otherwise)](Rules& rules) {
    if (!condition) rules.ineffective_because = otherwise;
  };
}

namespace {

// Of a value from a command line: "--batch-size" and "--seed x" say which setting it is, as its name would once more.
bool names_setting(const Position& position, const std::string& key) {
  if (position.line != 0) return false;
  std::string name = position.file.substr(0, position.file.find(' '));
  name.erase(0, name.find_first_not_of('-'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name == key;
}

}  // namespace

void Problems::add(const Position& position, const std::string& path, const std::string& key,
                   const std::string& message) {
  const std::string where = path.empty() ? "" : "[" + path + "] ";
  found_.emplace_back(position, position.prefix() + where +
                                    (key.empty() || (path.empty() && names_setting(position, key)) ? "" : key + ": ") +
                                    message);
}

void Problems::throw_if_any() const {
  if (found_.empty()) return;
  auto ordered = found_;
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    const Position &p = a.first, &q = b.first;
    return std::tie(p.file, p.line, p.column) < std::tie(q.file, q.line, q.column);
  });
  std::vector<std::string> lines;
  for (const auto& [position, line] : ordered) lines.push_back(line);
  throw ConfigError(join(lines, "\n"));
}

Place Place::inside(std::string_view name) const {
  const auto append = [&](const std::string& base) {
    return base.empty() ? std::string(name) : base + "." + std::string(name);
  };
  return {append(path), append(listing), families};
}

}  // namespace heterodyne
