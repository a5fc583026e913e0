// Upcycling (Komatsuzaki et al. 2023, "Sparse upcycling: training mixture-of-experts from dense checkpoints"), and the
// experts that DynMoE (Guo et al. 2024) begins with: every expert is a copy of the dense layer.
#include <numeric>

#include "heterodyne/convert/partitioner.h"

namespace heterodyne {
namespace {

class Copies : public Partitioner {
 public:
  struct Options {
    void visit(Fields&) {}
  };
  explicit Copies(const Options&) {}

  Partitioned divide(const PartitionInput& input) const override {
    std::vector<int64_t> all(static_cast<size_t>(input.num_experts));
    std::iota(all.begin(), all.end(), int64_t{0});
    NeuronMap map{input.num_experts, {}};
    map.experts_F.assign(static_cast<size_t>(input.num_neurons()), all);
    return {map};
  }
  bool reads_scores() const override { return false; }
};

}  // namespace

PartitionerKind partitioner_kind_copies() {
  return partitioner_kind<Copies>("every expert a copy of the dense layer (sparse upcycling)");
}

}  // namespace heterodyne
