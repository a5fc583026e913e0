// Everything in this process, no token dropped. Feed-forward experts are run together by one op; of the others each
// gets its rows, and their answers are combined. No padding and no tensor of tokens x experts.
#include <algorithm>

#include "heterodyne/base/profile.h"
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
    const auto mlps = mlps_of(call, routing);
    if (std::none_of(mlps.begin(), mlps.end(), [](const auto& mlp) { return mlp.defined(); }))
      return run_each(call, routing);
    const auto y_TO = ops::expert_mlps(call.x_TD(), routing.weight_N, routing.plan, mlps, call.output_width);
    const auto offsets = routing.plan.expert_offsets();
    std::vector<uint8_t> is_other;  // has rows, which are still to be answered
    for (size_t e = 0; e < mlps.size(); ++e) is_other.push_back(!mlps[e].defined() && offsets[e + 1] > offsets[e]);
    if (std::count(is_other.begin(), is_other.end(), 1) == 0) return y_TO;
    const auto is_other_E = torch::tensor(is_other, torch::kBool);
    return y_TO + run_each(call, with_pairs(routing, is_other_E.index_select(0, routing.plan.expert_N)));
  }

 private:
  // The experts that one call of an op runs together; all undefined when it runs none. Where nothing is learned those
  // without rows are not looked at: of thousands a token chooses a few, and the others lie in no cache.
  static std::vector<ops::ExpertMlp> mlps_of(const ExpertCall& call, const Routing& routing) {
    std::vector<ops::ExpertMlp> mlps(call.experts.size());
    if (call.is_log_mixture || !ops::can_run_expert_mlps(call.x_BSD, routing.weight_N)) return mlps;
    const auto offsets = routing.plan.expert_offsets();
    for (size_t e = 0; e < mlps.size(); ++e) {
      if (torch::GradMode::is_enabled() || offsets[e + 1] > offsets[e]) mlps[e] = call.experts[e]->as_mlp();
    }
    return mlps;
  }

  // Gathers the rows of each expert, runs one after the other, combines the answers.
  static torch::Tensor run_each(const ExpertCall& call, const Routing& routing) {
    const auto rows_of_expert = gathered(call, routing);
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
    const ProfileSpan span(call.profile, "combine");
    if (call.is_log_mixture) return ops::log_mixture(y_of_expert, routing.weight_N, routing.plan, call.output_width);
    return ops::combine(y_of_expert, routing.weight_N, routing.plan, call.output_width);
  }

  static std::vector<torch::Tensor> gathered(const ExpertCall& call, const Routing& routing) {
    const ProfileSpan span(call.profile, "dispatch");
    return ops::permute(call.x_TD(), routing.plan);
  }
};

}  // namespace

DispatcherKind dispatcher_kind_local() {
  return dispatcher_kind<LocalDispatcher>("in this process, no token dropped, no padding");
}

}  // namespace heterodyne
