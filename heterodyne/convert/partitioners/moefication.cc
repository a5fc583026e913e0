// MoEfication (Zhang et al. 2022, "MoEfication: transformer feed-forward layers are mixtures of experts", section 3.2):
// equal experts of neurons with similar keys, by balanced k-means.
#include "heterodyne/convert/partitioner.h"

namespace heterodyne {
namespace {

class Moefication : public Partitioner {
 public:
  struct Options {
    int64_t most_rounds = 20;
    void visit(Fields& field) { field("most_rounds", most_rounds, "rounds of k-means at most", at_least(1)); }
  };
  explicit Moefication(const Options& options) : options_(options) {}

  Partitioned divide(const PartitionInput& input) const override {
    return divide_by_keys(input, options_.most_rounds, "moefication");
  }
  bool reads_scores() const override { return false; }

 private:
  Options options_;
};

}  // namespace

PartitionerKind partitioner_kind_moefication() {
  return partitioner_kind<Moefication>("equal experts of neurons with similar keys (balanced k-means)");
}

}  // namespace heterodyne
