// Equal experts of neurons that lie next to one another: the first F / E of them, the next, and so on.
#include "heterodyne/convert/partitioner.h"

namespace heterodyne {
namespace {

class Contiguous : public Partitioner {
 public:
  struct Options {
    void visit(Fields&) {}
  };
  explicit Contiguous(const Options&) {}

  Partitioned divide(const PartitionInput& input) const override {
    const int64_t share = equal_share(input);
    std::vector<int64_t> expert_F;
    for (int64_t n = 0; n < input.num_neurons(); ++n) expert_F.push_back(n / share);
    return {partition_of(expert_F, input.num_experts)};
  }
  bool reads_scores() const override { return false; }
};

}  // namespace

PartitionerKind partitioner_kind_contiguous() {
  return partitioner_kind<Contiguous>("equal experts of neurons that lie next to one another");
}

}  // namespace heterodyne
