// Runs two dispatchers side by side and compares their answers: how a quicker one is proven on real batches. The
// result is that of the first.
#include <fmt/format.h>

#include <utility>

#include "heterodyne/layer/dispatcher.h"

namespace heterodyne {
namespace {

class CheckedDispatcher : public Dispatcher {
 public:
  struct Options {
    Member first{Table{{"kind", "local"}}};
    Member second{Table{{"kind", "dense"}}};
    double tolerance = 1e-4;
    void visit(Fields& field) {
      field("first", first, "whose answer is used", member_of(dispatchers()));
      field("second", second, "what it is compared with", member_of(dispatchers()));
      field("tolerance", tolerance, "largest difference allowed, as a share of the largest value (or of 1)",
            more_than(0));
    }
  };

  explicit CheckedDispatcher(const Options& options)
      : tolerance_(options.tolerance),
        names_(options.first.kind + " and " + options.second.kind),
        first_(dispatchers().make(options.first)),
        second_(dispatchers().make(options.second)) {
    for (const auto& [key, chosen] : {std::pair("first", &options.first), std::pair("second", &options.second)}) {
      if (!dispatchers().of(*chosen).find(chosen->kind).may_drop) continue;
      throw ConfigError("dispatcher.checked", key,
                        fmt::format("expected a dispatcher that drops nothing, got \"{0}\"; put this one inside it: "
                                    "{{ kind = \"{0}\", inner = {{ kind = \"checked\" }} }}",
                                    chosen->kind));
    }
  }

  torch::Tensor run(const ExpertCall& call, const Routing& routing) override {
    const auto y_TO = first_->run(call, routing);
    const torch::NoGradGuard no_grad;
    const auto other_TO = second_->run(call, routing);
    if (y_TO.numel() == 0) return y_TO;
    const double largest = std::max(1.0, other_TO.abs().max().item<double>());
    const double difference = (y_TO - other_TO).abs().max().item<double>() / largest;
    // Written so that a NaN fails.
    if (!(difference <= tolerance_)) {
      throw CheckError("dispatcher.checked", fmt::format("{}: expected answers equal to {}, got a difference of {:.3g}",
                                                         names_, tolerance_, difference));
    }
    return y_TO;
  }

  torch::Tensor executed_rows(const torch::Tensor& tokens_per_expert_E, double num_tokens) const override {
    return first_->executed_rows(tokens_per_expert_E, num_tokens) +
           second_->executed_rows(tokens_per_expert_E, num_tokens);
  }

 private:
  double tolerance_;
  std::string names_;
  std::shared_ptr<Dispatcher> first_, second_;
};

}  // namespace

DispatcherKind dispatcher_kind_checked() {
  return dispatcher_kind<CheckedDispatcher>("two dispatchers side by side, their answers compared");
}

}  // namespace heterodyne
