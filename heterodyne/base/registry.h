// Registry: the members of one family by name. Each family's built-in members are found by the build from the file
// names in the family's folder (cmake/registry.cmake); that set never changes at run time. A program that brings a
// kind of its own copies the registry, adds to the copy and passes it on: see families.h.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fields.h"
#include "heterodyne/base/table.h"

namespace heterodyne {

/// A family of members, seen without the type of its kinds.
class Family {
 public:
  explicit Family(std::string name, Schema shared) : name_(std::move(name)), shared_(std::move(shared)) {}
  virtual ~Family() = default;

  /// Singular: "router".
  const std::string& name() const { return name_; }
  /// Settings that every member accepts beside its own: an expert group's `count`.
  const Schema& shared() const { return shared_; }

  /// In alphabetical order.
  virtual std::vector<std::string> names() const = 0;
  virtual const std::string& summary(const std::string& kind) const = 0;
  virtual const Schema& schema(const std::string& kind) const = 0;

  /// Checks `settings`, which name their `kind`, as Schema::resolve() does.
  Table resolve(const Table& settings, const Place& place, Problems& problems) const;

  /// `expected one of a, b, c, got "d"; nearest: "c"`
  std::string unknown_kind(const std::string& kind) const;

 protected:
  /// The member's own settings: without `kind` and the shared ones.
  Table own_settings(const Table& settings) const;

 private:
  std::string name_;
  Schema shared_;
};

/// `Kind` is a struct with a `summary`, a `schema` and a function `make(const Table& settings, const Place&, ...)`.
template <class Kind>
class Registry : public Family {
 public:
  explicit Registry(std::string name, Schema shared = {}) : Family(std::move(name), std::move(shared)) {}

  void add(const std::string& name, Kind kind) { kinds_.insert_or_assign(name, std::move(kind)); }

  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    for (const auto& [name, kind] : kinds_) all.push_back(name);
    return all;
  }

  /// Throws ConfigError with the nearest name.
  const Kind& find(const std::string& name) const {
    const auto found = kinds_.find(name);
    if (found == kinds_.end()) throw ConfigError(this->name(), "kind", unknown_kind(name));
    return found->second;
  }

  const std::string& summary(const std::string& kind) const override { return find(kind).summary; }
  const Schema& schema(const std::string& kind) const override { return find(kind).schema; }

  /// Where the kind of `choice` is looked up: the registry of this family that came with the choice, or this one.
  const Registry& of(const Member& choice) const {
    const auto* own = dynamic_cast<const Registry*>(choice.families.find(name()));
    return own ? *own : *this;
  }

  /// Makes the member that `choice` names. An error about one of its settings gets the position of that setting.
  template <class... Context>
  auto make(const Member& choice, const Context&... context) const {
    const Place place{choice.path.empty() ? name() + "." + choice.kind : choice.path, name() + "." + choice.kind,
                      choice.families};
    try {
      return of(choice).find(choice.kind).make(own_settings(choice.settings), place, context...);
    } catch (const ConfigError& error) {
      const Value* value = choice.settings.find_path(error.key());
      if (error.has_position() || value == nullptr) throw;
      throw error.at(value->position(), place.path);
    }
  }

 private:
  std::map<std::string, Kind> kinds_;
};

}  // namespace heterodyne
