#include "heterodyne/convert/module_options.h"

#include <fmt/format.h>

#include "heterodyne/convert/balanced_clusters.h"

namespace heterodyne {

ModulePartition divide_modules(const PartitionInput& input, const ModuleOptions& options) {
  const int64_t M = options.modules, D = input.level_FD.size(1);
  if (M > input.num_neurons()) {
    throw Error("convert.partition",
                fmt::format("modules: expected at most the layer's {} neurons, got {}", input.num_neurons(), M));
  }
  ModulePartition found;
  found.module_F = balanced_clusters(input.key_FH, M, {20, input.seed, fmt::format("convert.modules.{}", input.layer)});
  const auto score_MD =
      torch::zeros({M, D}, torch::kFloat64)
          .index_add(0, torch::tensor(found.module_F, torch::kInt64), input.level_FD.to(torch::kFloat64))
          .contiguous();
  const double* first = score_MD.const_data_ptr<double>();
  const ModuleProgram program{{first, first + score_MD.numel()},
                              D,
                              input.num_experts,
                              module_bounds(M, input.num_experts, options.ratio),
                              overlap_of(input.num_experts, D, options.coherence)};
  found.plan = solve(program, {options.restarts, input.seed});
  return found;
}

}  // namespace heterodyne
