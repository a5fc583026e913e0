#include "heterodyne/base/families.h"

#include "heterodyne/base/registry.h"

namespace heterodyne {

const Family* Families::find(const std::string& name) const {
  for (const auto& family : brought_) {
    if (family->name() == name) return family.get();
  }
  return nullptr;
}

Families Families::with_shared(std::shared_ptr<const Family> family) const {
  Families all = *this;
  std::erase_if(all.brought_, [&](const auto& before) { return before->name() == family->name(); });
  all.brought_.push_back(std::move(family));
  return all;
}

}  // namespace heterodyne
