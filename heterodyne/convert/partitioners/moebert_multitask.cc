// MoEBERT for several domains: expert i has the neurons that matter most to domain i. A neuron may be in several
// experts or in none; one in m of them gives each the m-th part of its answer, so that all together give it once.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "heterodyne/convert/partitioner.h"

namespace heterodyne {
namespace {

class MoebertMultitask : public Partitioner {
 public:
  struct Options {
    void visit(Fields&) {}
  };
  explicit MoebertMultitask(const Options&) {}

  Partitioned divide(const PartitionInput& input) const override {
    const int64_t F = input.num_neurons(), E = input.num_experts, share = equal_share(input);
    if (input.score_FD.size(1) != E) {
      throw Error("convert.partition",
                  fmt::format("moebert_multitask: expected as many experts as the {} domains, got {}",
                              input.score_FD.size(1), E));
    }
    const auto score_FD = input.score_FD.to(torch::kFloat64).contiguous();
    const double* score = score_FD.const_data_ptr<double>();
    NeuronMap map{E, std::vector<std::vector<int64_t>>(static_cast<size_t>(F))};
    for (int64_t e = 0; e < E; ++e) {
      std::vector<int64_t> order(static_cast<size_t>(F));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [&](int64_t a, int64_t b) { return score[a * E + e] > score[b * E + e]; });
      for (int64_t i = 0; i < share; ++i)
        map.experts_F[static_cast<size_t>(order[static_cast<size_t>(i)])].push_back(e);
    }
    return {std::move(map)};
  }
};

}  // namespace

PartitionerKind partitioner_kind_moebert_multitask() {
  return partitioner_kind<MoebertMultitask>("an expert for each domain, of what matters most to it");
}

}  // namespace heterodyne
