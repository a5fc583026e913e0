// EMoE (Qiu et al. 2024, "Unlocking emergent modularity in large language models"): the experts of MoEfication; what
// differs is the router, each expert's row of which is the mean of its keys (`router_init = "keys"` of a conversion).
#include "heterodyne/convert/partitioner.h"

namespace heterodyne {
namespace {

class Emoe : public Partitioner {
 public:
  struct Options {
    int64_t most_rounds = 100;
    void visit(Fields& field) { field("most_rounds", most_rounds, "rounds of k-means at most", at_least(1)); }
  };
  explicit Emoe(const Options& options) : options_(options) {}

  Partitioned divide(const PartitionInput& input) const override {
    return divide_by_keys(input, options_.most_rounds, "emoe");
  }
  bool reads_scores() const override { return false; }

 private:
  Options options_;
};

}  // namespace

PartitionerKind partitioner_kind_emoe() {
  return partitioner_kind<Emoe>("equal experts of neurons with similar keys, for a router made of the keys (EMoE)");
}

}  // namespace heterodyne
