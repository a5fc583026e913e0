// Families: the registries that a program brings of its own, on their way to where members are chosen and made.
//
//   RouterRegistry mine = routers();
//   mine.add("nearest_centre", router_kind<NearestCentreRouter>("..."));
//   const auto experiment = read_experiment(config, Families().with(mine));
//
// They enter with the Place of a configuration. Whatever reads settings there knows the kinds of these registries, and
// each Member that was read keeps them, so that `routers().make(choice)` makes it from the program's own registry.
// Where none was brought, the built-in one counts.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace heterodyne {

class Family;

class Families {
 public:
  /// These and one more, which is kept for as long as anything refers to it. It takes the place of the built-in
  /// registry of the same type and name ("router"), and of one that was brought before.
  template <class FamilyType>
  Families with(FamilyType family) const {
    return with_shared(std::make_shared<const FamilyType>(std::move(family)));
  }

  /// The one that was brought under this name, or nullptr.
  const Family* find(const std::string& name) const;

 private:
  Families with_shared(std::shared_ptr<const Family> family) const;

  std::vector<std::shared_ptr<const Family>> brought_;
};

}  // namespace heterodyne
