// Experts of the sizes that `hemoe` finds, of neurons drawn at random: whether its plan is worth more than its sizes.
#include "heterodyne/convert/module_options.h"

namespace heterodyne {
namespace {

class RandomHeterogeneous : public Partitioner {
 public:
  using Options = ModuleOptions;
  explicit RandomHeterogeneous(const Options& options) : options_(options) {}

  Partitioned divide(const PartitionInput& input) const override {
    const auto found = divide_modules(input, options_);
    std::vector<int64_t> size_E(static_cast<size_t>(input.num_experts), 0), expert_F(found.module_F.size());
    for (const int64_t module : found.module_F)
      ++size_E[static_cast<size_t>(found.plan.expert_M[static_cast<size_t>(module)])];
    const auto order = shuffled_neurons(input, "convert.random_heterogeneous");
    size_t next = 0;
    for (size_t e = 0; e < size_E.size(); ++e) {
      for (int64_t i = 0; i < size_E[e]; ++i) expert_F[static_cast<size_t>(order[next++])] = static_cast<int64_t>(e);
    }
    return {partition_of(expert_F, input.num_experts)};
  }

 private:
  Options options_;
};

}  // namespace

PartitionerKind partitioner_kind_random_heterogeneous() {
  return partitioner_kind<RandomHeterogeneous>("experts of hemoe's sizes, of neurons drawn at random");
}

}  // namespace heterodyne
