// Module program: which modules (groups of neurons) go to which expert, and which experts serve which domain, so that
// the experts of each domain hold what matters to it; HEMoE's integer program. The reference hands it to a commercial
// solver; here it is solved by alternating its two halves, each of which is a flow and so exact, from many starts.
//
//   maximise  sum over e, t of y_et sum over i of S_it x_ie
//   each module in one expert; each expert serves a domain at least; least <= modules of an expert <= most;
//   at most `overlap` experts serve a domain
//
// Letters: M modules, E experts, D domains.
#pragma once

#include <cstdint>
#include <vector>

#include "heterodyne/convert/bounded_assignment.h"

namespace heterodyne {

struct ModuleProgram {
  std::vector<double> score_MD;  // S, not negative
  int64_t num_domains = 0;
  int64_t num_experts = 0;
  BinBounds modules;    // of an expert
  int64_t overlap = 2;  // experts that serve a domain at most

  int64_t num_modules() const { return num_domains > 0 ? static_cast<int64_t>(score_MD.size()) / num_domains : 0; }
};

/// Bounds so that the largest expert has at most `ratio` times as many modules as the smallest: M / E divided by and
/// multiplied with sqrt(ratio), rounded half to even.
BinBounds module_bounds(int64_t num_modules, int64_t num_experts, double ratio);
/// How many experts serve a domain: coherence times E / D (whole), rounded half to even, at least 1.
int64_t overlap_of(int64_t num_experts, int64_t num_domains, double coherence);

struct ModulePlan {
  std::vector<int64_t> expert_M;
  std::vector<uint8_t> serves_ED;
  double objective = 0;
  double bound = 0;  // no plan is better than this

  /// How far from the bound it may be, as a share of it.
  double gap() const { return bound > 0 ? 1 - objective / bound : 0; }
};

struct ModuleEffort {
  int64_t restarts = 16;  // from random experts for domains, beside the starts in which one expert serves all domains
  uint64_t seed = 0;
};

/// The best plan found; experts are in order of size, the largest first. Throws Error naming the bound when no plan can
/// keep the bounds.
ModulePlan solve(const ModuleProgram& program, const ModuleEffort& effort = {});

/// What a plan gains.
double objective_of(const ModuleProgram& program, const std::vector<int64_t>& expert_M,
                    const std::vector<uint8_t>& serves_ED);

}  // namespace heterodyne
