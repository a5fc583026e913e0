// Growth by load: an expert that gets far more than its fair share of the assignments is split in two, one that gets
// next to nothing is removed.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "heterodyne/train/grower.h"

namespace heterodyne {
namespace {

class ByLoad : public LoadGrower {
 public:
  struct Options {
    GrowthPeriod when;
    double overloaded = 2;
    double starved = 0.05;
    double spread = 0.1;
    PoolOptions pool;
    void visit(Fields& field) {
      when.visit(field);
      field("overloaded", overloaded,
            "an expert with more than this many fair shares is split; where each token has k of E, none has over E / k",
            more_than(1));
      field("starved", starved, "an expert with less than this part of a fair share is removed; 0: none",
            between(0, 0.999));
      field("spread", spread, "how far the two halves move apart in the router, of their embedding's length",
            between(0, 1));
      pool.visit(field);
    }
  };

  ByLoad(const Options& options, const GrowerContext& context)
      : LoadGrower("grower.by_load", options.pool, options.when, context), options_(options) {}

 protected:
  void decide(MoeLayer& layer, const std::vector<double>& load_E, Pool& pool) const override {
    const double fair = std::accumulate(load_E.begin(), load_E.end(), 0.0) / static_cast<double>(load_E.size());
    if (fair == 0) return;
    std::vector<std::pair<double, int64_t>> shares;  // of a fair one, and whose
    for (size_t e = 0; e < load_E.size(); ++e) shares.emplace_back(load_E[e] / fair, layer.slots()[e].id);
    std::stable_sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const std::string period = steps_text(options_.when.period);
    for (const auto& [share, id] : shares) {
      if (share < options_.starved && pool.can_spare(layer, id))
        pool.remove(layer, id, fmt::format("{:.1f} % of its fair share in {}", 100 * share, period));
    }
    std::reverse(shares.begin(), shares.end());
    for (const auto& [share, id] : shares) {
      if (share <= options_.overloaded || !pool.has_room(layer, id)) continue;
      pool.add(
          layer,
          {id, {}, options_.spread, fmt::format("expert {} ({:.2f} times its fair share in {})", id, share, period)});
    }
  }

 private:
  Options options_;
};

}  // namespace

GrowerKind grower_kind_by_load() {
  return grower_kind<ByLoad>("splits experts with far more than their share of tokens, drops those with next to none");
}

}  // namespace heterodyne
