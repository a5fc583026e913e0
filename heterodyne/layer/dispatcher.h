// Dispatcher: carries tokens to the experts that were chosen for them, runs the experts, and combines their answers.
// Each kind is one file in dispatchers/. All kinds compute the same function; they differ in how.
//
// Letters used here and in dispatchers/: B sequences, S tokens of a sequence, T = B x S, D width, O output width,
//                                        E experts, N chosen pairs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "heterodyne/base/registry.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/layer/routing.h"

namespace heterodyne {

/// Everything that is needed to run a layer's experts on one batch.
struct ExpertCall {
  torch::Tensor x_BSD;
  torch::Tensor mask_BS;  // undefined when nothing is padded
  RandomKey random;
  std::vector<std::shared_ptr<Expert>> experts;  // by position
  int64_t output_width = 0;
  /// y = log sum of weight x exp(answer): experts that answer with log-probabilities. Otherwise y = sum of weight x
  /// answer.
  bool is_log_mixture = false;
  torch::Tensor past_BSD = {};  // see ExpertInput
  Profile* profile = nullptr;   // see RoutingLog
  /// The same tokens in one list, as the router read them or hands them on; undefined: made of x_BSD. A view of their
  /// own for the experts would keep the gradient from being summed in place.
  torch::Tensor listed_TD = {};

  torch::Tensor x_TD() const { return listed_TD.defined() ? listed_TD : x_BSD.reshape({-1, x_BSD.size(2)}); }
};

/// What admit() may look at beside the routing.
struct AdmitContext {
  std::string layer;  // "layers.0": each layer draws by itself
  RandomKey random;
  bool training = false;  // whether room is short may differ
};

class Dispatcher {
 public:
  virtual ~Dispatcher() = default;

  /// The routing with which run() is called: without the pairs for which there is no room, which num_dropped counts.
  virtual Routing admit(Routing routing, const AdmitContext& context) const {
    static_cast<void>(context);
    return routing;
  }

  /// y_TO: for each token the sum of its experts' answers times the weights of its pairs, or their log mixture; zeros
  /// without pairs.
  virtual torch::Tensor run(const ExpertCall& call, const Routing& routing) = 0;

  /// Rows each expert really computes when so many tokens chose it, float64 [E]; averages need not be whole.
  virtual torch::Tensor executed_rows(const torch::Tensor& tokens_per_expert_E, double num_tokens) const {
    static_cast<void>(num_tokens);
    return tokens_per_expert_E;
  }
};

struct DispatcherKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Dispatcher>(const Table& settings, const Place&)> make;
  bool may_drop = false;  // admit() may leave pairs out
};
using DispatcherRegistry = Registry<DispatcherKind>;

/// The built-in kinds.
const DispatcherRegistry& dispatchers();
DispatcherRegistry empty_dispatchers();

/// The kind made of a class with an Options struct and a constructor (Options).
template <class T>
DispatcherKind dispatcher_kind(std::string summary, bool may_drop = false) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place) -> std::shared_ptr<Dispatcher> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place));
          },
          may_drop};
}

}  // namespace heterodyne
