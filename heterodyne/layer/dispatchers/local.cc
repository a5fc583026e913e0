// Everything in this process, no token dropped: gathers the rows of each expert, runs the experts that have any,
// combines the answers. No padding and no tensor of tokens x experts.
#include "heterodyne/layer/dispatcher.h"
#include "heterodyne/ops/combine.h"
#include "heterodyne/ops/log_mixture.h"
#include "heterodyne/ops/permute.h"

namespace heterodyne {
namespace {

class LocalDispatcher : public Dispatcher {
 public:
  struct Options {
    void visit(Fields&) {}
  };

  explicit LocalDispatcher(const Options&) {}

  torch::Tensor run(const ExpertCall& call, const Routing& routing) override {
    const auto rows_of_expert = ops::permute(call.x_TD(), routing.plan);
    const auto offsets = routing.plan.expert_offsets();
    std::vector<torch::Tensor> y_of_expert;
    for (size_t e = 0; e < call.experts.size(); ++e) {
      const int64_t num_rows = rows_of_expert[e].size(0);
      if (num_rows == 0) {
        y_of_expert.emplace_back();
        continue;
      }
      const auto token_N = routing.plan.token_N.narrow(0, offsets[e], num_rows);
      y_of_expert.push_back(
          call.experts[e]->forward({rows_of_expert[e], token_N, call.x_BSD, call.mask_BS, call.random, call.past_BSD}));
    }
    if (call.is_log_mixture) return ops::log_mixture(y_of_expert, routing.weight_N, routing.plan, call.output_width);
    return ops::combine(y_of_expert, routing.weight_N, routing.plan, call.output_width);
  }
};

}  // namespace

DispatcherKind dispatcher_kind_local() {
  return dispatcher_kind<LocalDispatcher>("in this process, no token dropped, no padding");
}

}  // namespace heterodyne
