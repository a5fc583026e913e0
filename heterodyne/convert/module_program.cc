#include "heterodyne/convert/module_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"

namespace heterodyne {
namespace {

using Serves = std::vector<uint8_t>;  // [E, D]

void check(const ModuleProgram& program) {
  const int64_t M = program.num_modules(), E = program.num_experts, D = program.num_domains;
  const auto refuse = [](const std::string& what) { throw Error("convert.partition", what); };
  if (E < 1 || D < 1) refuse(fmt::format("expected at least one expert and one domain, got {} and {}", E, D));
  if (program.modules.least * E > M || program.modules.most * E < M || program.modules.least < 1) {
    refuse(fmt::format("modules of an expert: expected bounds that {} modules and {} experts can keep, got {} .. {}", M,
                       E, program.modules.least, program.modules.most));
  }
  if (program.overlap < 1 || program.overlap * D < E) {
    refuse(fmt::format("overlap: expected at least {}, so that each of {} experts serves one of {} domains, got {}",
                       (E + D - 1) / D, E, D, program.overlap));
  }
  for (const double score : program.score_MD) {
    if (!(score >= 0) || !std::isfinite(score)) refuse("scores: expected finite numbers of at least 0, got others");
  }
}

// The modules' best experts for given y.
std::vector<int64_t> place(const ModuleProgram& program, const Serves& serves_ED, std::vector<int64_t> start) {
  const int64_t M = program.num_modules(), E = program.num_experts, D = program.num_domains;
  BoundedAssignment problem{std::vector<double>(static_cast<size_t>(M * E), 0.0),
                            std::vector<BinBounds>(static_cast<size_t>(E), program.modules)};
  for (int64_t i = 0; i < M; ++i) {
    for (int64_t e = 0; e < E; ++e) {
      double sum = 0;
      for (int64_t t = 0; t < D; ++t) {
        if (serves_ED[static_cast<size_t>(e * D + t)]) sum += program.score_MD[static_cast<size_t>(i * D + t)];
      }
      problem.gain_MN[static_cast<size_t>(i * E + e)] = sum;
    }
  }
  return assign_within(problem, std::move(start));
}

// Values [E, D] of an expert to a domain, for given x.
std::vector<double> values_of(const ModuleProgram& program, const std::vector<int64_t>& expert_M) {
  const auto D = static_cast<size_t>(program.num_domains);
  std::vector<double> value_ED(static_cast<size_t>(program.num_experts) * D, 0.0);
  for (size_t i = 0; i < expert_M.size(); ++i) {
    for (size_t t = 0; t < D; ++t) value_ED[static_cast<size_t>(expert_M[i]) * D + t] += program.score_MD[i * D + t];
  }
  return value_ED;
}

// The best y for given values: each expert serves at least one domain, each domain is served by at most `overlap`.
// Values are not negative, so a domain is served by as many as may; which ones is a flow from domains (overlap units
// each) to experts (one unit for each pair, the first unit of an expert worth more than all values together).
class Matching {
 public:
  Matching(const ModuleProgram& program, const std::vector<double>& value_ED)
      : program_(program),
        E_(program.num_experts),
        D_(program.num_domains),
        value_ED_(value_ED),
        serves_ED_(value_ED.size(), 0),
        served_D_(static_cast<size_t>(D_), 0),
        served_E_(static_cast<size_t>(E_), 0) {
    first_ = 1 + std::accumulate(value_ED.begin(), value_ED.end(), 0.0);
  }

  Serves solve() {
    while (augment()) {
    }
    return serves_ED_;
  }

 private:
  size_t at(int64_t e, int64_t t) const { return static_cast<size_t>(e * D_ + t); }

  // One more unit along the path that gains most: domain, expert, then back to a domain that gives the expert up, and
  // so on. Nodes: domains, then experts.
  bool augment() {
    const auto nodes = static_cast<size_t>(D_ + E_);
    std::vector<double> gain(nodes, -1e300);
    std::vector<int64_t> before(nodes, -1);
    for (int64_t t = 0; t < D_; ++t) {
      if (served_D_[static_cast<size_t>(t)] < program_.overlap) gain[static_cast<size_t>(t)] = 0;
    }
    for (size_t round = 0; round < nodes; ++round) {
      bool is_changed = false;
      const auto relax = [&](int64_t from, int64_t to, double more) {
        const double there = gain[static_cast<size_t>(from)] + more;
        if (gain[static_cast<size_t>(from)] <= -1e299 || there <= gain[static_cast<size_t>(to)] + 1e-12 * first_)
          return;
        gain[static_cast<size_t>(to)] = there;
        before[static_cast<size_t>(to)] = from;
        is_changed = true;
      };
      for (int64_t e = 0; e < E_; ++e) {
        for (int64_t t = 0; t < D_; ++t) {
          if (serves_ED_[at(e, t)]) relax(D_ + e, t, -value_ED_[at(e, t)]);
          else relax(t, D_ + e, value_ED_[at(e, t)]);
        }
      }
      if (!is_changed) break;
    }
    int64_t best = -1;
    double most = -1e299;
    for (int64_t e = 0; e < E_; ++e) {
      const double total = gain[static_cast<size_t>(D_ + e)] + (served_E_[static_cast<size_t>(e)] == 0 ? first_ : 0);
      if (gain[static_cast<size_t>(D_ + e)] > -1e299 && total > most) most = total, best = e;
    }
    if (best < 0 || most < 0) return false;
    ++served_E_[static_cast<size_t>(best)];
    int64_t node = D_ + best;
    while (before[static_cast<size_t>(node)] >= 0) {
      const int64_t from = before[static_cast<size_t>(node)];
      if (node >= D_) serves_ED_[at(node - D_, from)] = 1;
      else serves_ED_[at(from - D_, node)] = 0;
      node = from;
    }
    ++served_D_[static_cast<size_t>(node)];
    return true;
  }

  const ModuleProgram& program_;
  int64_t E_, D_;
  const std::vector<double>& value_ED_;
  double first_ = 0;
  Serves serves_ED_;
  std::vector<int64_t> served_D_, served_E_;
};

// Better and better until nothing changes.
ModulePlan climb(const ModuleProgram& program, Serves serves_ED) {
  ModulePlan plan;
  plan.objective = -1;
  for (;;) {
    auto expert_M = place(program, serves_ED, plan.expert_M);
    serves_ED = Matching(program, values_of(program, expert_M)).solve();
    const double objective = objective_of(program, expert_M, serves_ED);
    if (!(objective > plan.objective * (1 + 1e-12) + 1e-300)) return plan;
    plan = {std::move(expert_M), serves_ED, objective, 0};
  }
}

// One expert serves every domain, a second one two of them, the others one each in turn: what the best plans look like.
std::vector<Serves> star_starts(int64_t E, int64_t D) {
  std::vector<Serves> all;
  for (int64_t a = 0; a < D; ++a) {
    for (int64_t b = a; b < D; ++b) {
      if (b == a && D > 1) continue;
      Serves serves(static_cast<size_t>(E * D), 0);
      for (int64_t t = 0; t < D; ++t) serves[static_cast<size_t>(t)] = 1;
      if (E > 1) serves[static_cast<size_t>(D + a)] = serves[static_cast<size_t>(D + b)] = 1;
      int64_t next = 0;
      for (int64_t e = 2; e < E; ++e, ++next) {
        while (D > 2 && (next % D == a || next % D == b)) ++next;
        serves[static_cast<size_t>(e * D + next % D)] = 1;
      }
      all.push_back(std::move(serves));
    }
  }
  return all;
}

Serves random_start(int64_t E, int64_t D, const ModuleEffort& effort, int64_t restart) {
  const auto draw = RandomStream("convert.partition").uniform({effort.seed, static_cast<uint64_t>(restart)}, {E * D});
  Serves serves(static_cast<size_t>(E * D));
  for (int64_t i = 0; i < E * D; ++i) serves[static_cast<size_t>(i)] = draw[i].item<float>() < 0.5F ? 1 : 0;
  return serves;
}

// The experts by size, the largest first.
void sort_experts(const ModuleProgram& program, ModulePlan& plan) {
  const int64_t E = program.num_experts, D = program.num_domains;
  std::vector<int64_t> order(static_cast<size_t>(E)), size(static_cast<size_t>(E), 0), place(static_cast<size_t>(E));
  std::iota(order.begin(), order.end(), 0);
  for (const int64_t e : plan.expert_M) ++size[static_cast<size_t>(e)];
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return size[static_cast<size_t>(a)] > size[static_cast<size_t>(b)]; });
  const auto serves_ED = plan.serves_ED;
  for (int64_t e = 0; e < E; ++e) {
    const int64_t old = order[static_cast<size_t>(e)];
    place[static_cast<size_t>(old)] = e;
    std::copy_n(serves_ED.begin() + old * D, D, plan.serves_ED.begin() + e * D);
  }
  for (auto& e : plan.expert_M) e = place[static_cast<size_t>(e)];
}

// A domain is served by `overlap` experts of `most` modules at best, by those that matter most to it; and whatever the
// plan, of a domain's score no more than all is gained.
double bound_of(const ModuleProgram& program) {
  const int64_t M = program.num_modules(), D = program.num_domains;
  const auto reach = static_cast<size_t>(std::min(M, program.overlap * program.modules.most));
  double bound = 0;
  for (int64_t t = 0; t < D; ++t) {
    std::vector<double> score_M;
    for (int64_t i = 0; i < M; ++i) score_M.push_back(program.score_MD[static_cast<size_t>(i * D + t)]);
    std::sort(score_M.begin(), score_M.end(), std::greater<>());
    bound += std::accumulate(score_M.begin(), score_M.begin() + static_cast<int64_t>(reach), 0.0);
  }
  return bound;
}

}  // namespace

BinBounds module_bounds(int64_t num_modules, int64_t num_experts, double ratio) {
  const int64_t mean = num_modules / num_experts;
  const double root = std::sqrt(ratio);
  const auto rounded = [](double value) { return static_cast<int64_t>(std::nearbyint(value)); };
  return {std::max<int64_t>(rounded(static_cast<double>(mean) / root), 1), rounded(static_cast<double>(mean) * root)};
}

int64_t overlap_of(int64_t num_experts, int64_t num_domains, double coherence) {
  const double each = static_cast<double>(num_experts / num_domains) * coherence;
  return std::max<int64_t>(static_cast<int64_t>(std::nearbyint(each)), 1);
}

double objective_of(const ModuleProgram& program, const std::vector<int64_t>& expert_M,
                    const std::vector<uint8_t>& serves_ED) {
  const auto value_ED = values_of(program, expert_M);
  double sum = 0;
  for (size_t i = 0; i < value_ED.size(); ++i) sum += serves_ED[i] ? value_ED[i] : 0;
  return sum;
}

ModulePlan solve(const ModuleProgram& program, const ModuleEffort& effort) {
  check(program);
  const int64_t E = program.num_experts, D = program.num_domains;
  auto starts = star_starts(E, D);
  for (int64_t i = 0; i < effort.restarts; ++i) starts.push_back(random_start(E, D, effort, i));
  ModulePlan best;
  best.objective = -1;
  for (auto& start : starts) {
    auto plan = climb(program, std::move(start));
    if (plan.objective > best.objective) best = std::move(plan);
  }
  sort_experts(program, best);
  best.bound = bound_of(program);
  return best;
}

}  // namespace heterodyne
