// Equal experts of neurons drawn at random: what any plan must beat.
#include "heterodyne/convert/partitioner.h"

namespace heterodyne {
namespace {

class RandomHomogeneous : public Partitioner {
 public:
  struct Options {
    void visit(Fields&) {}
  };
  explicit RandomHomogeneous(const Options&) {}

  Partitioned divide(const PartitionInput& input) const override {
    const int64_t share = equal_share(input);
    const auto order = shuffled_neurons(input, "convert.random_homogeneous");
    std::vector<int64_t> expert_F(order.size());
    for (size_t i = 0; i < order.size(); ++i) expert_F[static_cast<size_t>(order[i])] = static_cast<int64_t>(i) / share;
    return {partition_of(expert_F, input.num_experts)};
  }
  bool reads_scores() const override { return false; }
};

}  // namespace

PartitionerKind partitioner_kind_random_homogeneous() {
  return partitioner_kind<RandomHomogeneous>("equal experts of neurons drawn at random");
}

}  // namespace heterodyne
