#include "heterodyne/base/registry.h"

#include <algorithm>

#include "heterodyne/base/text.h"

namespace heterodyne {

Table Family::resolve(const Table& settings, const Place& place, Problems& problems) const {
  const Value* kind = settings.find("kind");
  const auto all = names();
  if (kind == nullptr || kind->if_text() == nullptr) {
    const Position position = settings.empty() ? Position{} : settings.entries().front().value.position();
    problems.add(position, place.path, "kind", "expected one of " + join(all) + (kind ? "" : ", it is missing"));
    return settings;
  }
  const std::string& name = *kind->if_text();
  if (std::find(all.begin(), all.end(), name) == all.end()) {
    problems.add(kind->position(), place.path, "kind", unknown_kind(name));
    return settings;
  }
  Table shared_part;
  for (const auto& field : shared_.list()) {
    if (const Value* value = settings.find(field.name)) shared_part.set(field.name, *value);
  }
  const Place own_place{place.path, name_ + "." + name, place.families};
  const Table shared_resolved = shared_.resolve(shared_part, own_place, problems);
  const Table own_resolved = schema(name).resolve(own_settings(settings), own_place, problems);
  Table resolved{{"kind", *kind}};
  for (const auto& entry : shared_resolved.entries()) resolved.set(entry.key, entry.value);
  for (const auto& entry : own_resolved.entries()) resolved.set(entry.key, entry.value);
  return resolved;
}

std::string Family::unknown_kind(const std::string& kind) const {
  const std::string close = nearest(kind, names());
  return "expected one of " + join(names()) + ", got \"" + kind + "\"" +
         (close.empty() ? "" : "; nearest: \"" + close + "\"");
}

Table Family::own_settings(const Table& settings) const {
  Table own = settings;
  own.erase("kind");
  for (const auto& field : shared_.list()) own.erase(field.name);
  return own;
}

}  // namespace heterodyne
