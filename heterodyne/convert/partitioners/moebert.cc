// MoEBERT (Zuo et al. 2022, section 3.2): the neurons that matter most are in every expert; the others are dealt out.
// Here what all experts have works once for each token, not once for each expert that it was sent to. As in the
// original, an expert has as many neurons as it would have in a partition, so some neurons find no place.
#include <algorithm>
#include <numeric>

#include "heterodyne/convert/partitioner.h"

namespace heterodyne {
namespace {

class Moebert : public Partitioner {
 public:
  struct Options {
    double shared = 0.5;
    void visit(Fields& field) {
      field("shared", shared, "share of an expert's neurons that all experts have", between(0, 1));
    }
  };
  explicit Moebert(const Options& options) : options_(options) {}

  Partitioned divide(const PartitionInput& input) const override {
    const int64_t F = input.num_neurons(), E = input.num_experts, share = equal_share(input);
    const auto num_shared = static_cast<int64_t>(options_.shared * static_cast<double>(share));
    const auto total_F = input.score_FD.to(torch::kFloat64).sum(1).contiguous();
    const double* total = total_F.const_data_ptr<double>();
    std::vector<int64_t> order(static_cast<size_t>(F));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return total[a] > total[b]; });
    NeuronMap map{E, std::vector<std::vector<int64_t>>(static_cast<size_t>(F))};
    std::vector<int64_t> everyone(static_cast<size_t>(E));
    std::iota(everyone.begin(), everyone.end(), 0);
    for (int64_t i = 0; i < num_shared; ++i)
      map.experts_F[static_cast<size_t>(order[static_cast<size_t>(i)])] = everyone;
    std::vector<int64_t> room_E(static_cast<size_t>(E), share - num_shared);
    int64_t next = 0;
    for (auto& experts : map.experts_F) {
      if (!experts.empty()) continue;
      const int64_t e = next++ % E;
      if (room_E[static_cast<size_t>(e)]-- > 0) experts = {e};
    }
    return {std::move(map)};
  }

 private:
  Options options_;
};

}  // namespace

PartitionerKind partitioner_kind_moebert() {
  return partitioner_kind<Moebert>("what matters most in every expert, the rest dealt out (MoEBERT)");
}

}  // namespace heterodyne
