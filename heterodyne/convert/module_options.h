// ModuleOptions: the settings of partitions that are made of modules, and the modules.
#pragma once

#include "heterodyne/convert/module_program.h"
#include "heterodyne/convert/partitioner.h"

namespace heterodyne {

struct ModuleOptions {
  int64_t modules = 128;
  double ratio = 4;
  double coherence = 2;
  int64_t restarts = 16;
  void visit(Fields& field) {
    field("modules", modules, "groups of similar neurons that stay together", at_least(1));
    field("ratio", ratio, "how many times as large as the smallest the largest expert may be", at_least(1));
    field("coherence", coherence, "experts that serve a domain at most, as a multiple of experts / domains",
          more_than(0));
    field("restarts", restarts, "starts from random plans, beside the regular ones", at_least(0));
  }
};

struct ModulePartition {
  std::vector<int64_t> module_F;
  ModulePlan plan;
};

/// Neurons with similar keys to modules of equal size (balanced_clusters.h), then modules to experts
/// (module_program.h). Throws Error when there are more modules than neurons, or no plan keeps the bounds.
ModulePartition divide_modules(const PartitionInput& input, const ModuleOptions& options);

}  // namespace heterodyne
