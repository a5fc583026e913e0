// Growth by the clock: at each period every layer splits its busiest experts and drops its idlest ones, whatever they
// are worth. What the other kinds are compared with.
#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/train/grower.h"

namespace heterodyne {
namespace {

class Periodic : public LoadGrower {
 public:
  struct Options {
    GrowthPeriod when;
    int64_t add = 1;
    int64_t remove = 0;
    double spread = 0.1;
    PoolOptions pool;
    void visit(Fields& field) {
      when.visit(field);
      field("add", add, "experts that each layer gets at a time", between(0, 1024));
      field("remove", remove, "experts that each layer loses at a time, before it gets others", between(0, 1024));
      field("spread", spread, "how far the two halves of a split move apart in the router, of their embedding's length",
            between(0, 1), effective_when(add > 0, "add = 0"));
      pool.visit(field);
    }
  };

  Periodic(const Options& options, const GrowerContext& context)
      : LoadGrower("grower.periodic", options.pool, options.when, context), options_(options) {
    if (options.add == 0 && options.remove == 0)
      throw ConfigError("grower.periodic", "add", "expected at least 1 while remove = 0; or kind = \"none\"");
  }

 protected:
  void decide(MoeLayer& layer, const std::vector<double>& load_E, Pool& pool) const override {
    std::vector<std::pair<double, int64_t>> loads;  // and whose, the idlest first
    for (size_t e = 0; e < load_E.size(); ++e) loads.emplace_back(load_E[e], layer.slots()[e].id);
    std::stable_sort(loads.begin(), loads.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    int64_t removed = 0;
    for (auto idlest = loads.begin(); removed < options_.remove && idlest != loads.end();) {
      const auto [load, id] = *idlest;
      if (!pool.can_spare(layer, id)) {
        ++idlest;
        continue;
      }
      pool.remove(layer, id, fmt::format("{:.0f} assignments in {}", load, steps_text(options_.when.period)));
      idlest = loads.erase(idlest);
      ++removed;
    }
    for (int64_t i = 0; i < options_.add; ++i) {
      const auto [load, id] = loads[loads.size() - 1 - static_cast<size_t>(i) % loads.size()];
      if (!pool.has_room(layer, id)) break;
      pool.add(layer,
               {id,
                {},
                options_.spread,
                fmt::format("expert {} ({:.0f} assignments in {})", id, load, steps_text(options_.when.period))});
    }
  }

 private:
  Options options_;
};

}  // namespace

GrowerKind grower_kind_periodic() {
  return grower_kind<Periodic>("splits the busiest and drops the idlest experts every so many steps");
}

}  // namespace heterodyne
