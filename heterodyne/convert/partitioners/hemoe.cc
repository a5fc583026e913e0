// HEMoE: modules of similar neurons to unequal experts, so that each domain finds what matters to it in few experts.
#include "heterodyne/convert/module_options.h"

namespace heterodyne {
namespace {

class Hemoe : public Partitioner {
 public:
  using Options = ModuleOptions;
  explicit Hemoe(const Options& options) : options_(options) {}

  Partitioned divide(const PartitionInput& input) const override {
    const auto found = divide_modules(input, options_);
    std::vector<int64_t> expert_F;
    for (const int64_t module : found.module_F) expert_F.push_back(found.plan.expert_M[static_cast<size_t>(module)]);
    return {partition_of(expert_F, input.num_experts), found.plan.objective, found.plan.bound};
  }

 private:
  Options options_;
};

}  // namespace

PartitionerKind partitioner_kind_hemoe() {
  return partitioner_kind<Hemoe>("unequal experts by what matters to each domain (HEMoE)");
}

}  // namespace heterodyne
