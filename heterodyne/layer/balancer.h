// Balancer: a loss on a layer's routing that keeps the experts in use, or the scores in bounds. Each kind is one
// file in balancers/.
//
// Letters used here and in balancers/: T tokens, E experts, N chosen pairs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/registry.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/layer/router.h"
#include "heterodyne/layer/routing.h"

namespace heterodyne {

/// What a loss is computed from. Made of a routing alone it speaks of a whole step, of experts that are all alike.
struct BalanceInput {
  const Routing& routing;
  std::vector<ExpertInfo> experts = {};  // by position; may be empty
  Sums sums_before = {};  // over the earlier batches of the same step: "assignments_E" and "tokens"; may be empty
  torch::Tensor embedding_EP = {};  // Router::embeddings(); undefined where the router has none

  BalanceInput(const Routing& decided, std::vector<ExpertInfo> known = {}, Sums before = {})  // implicit, see above
      : routing(decided), experts(std::move(known)), sums_before(std::move(before)) {}
};

class Balancer {
 public:
  virtual ~Balancer() = default;

  /// A float scalar of at least float32 with gradient to the router, over the tokens that count; zero for a batch
  /// without any. Not yet weighted. Undefined for a kind that acts in after_step() alone.
  virtual torch::Tensor loss(const BalanceInput& input) const = 0;
  /// Once per optimizer step, with the sums that Router::after_step() gets.
  virtual void after_step(Router& router, const Sums& sums) {
    static_cast<void>(router);
    static_cast<void>(sums);
  }
  /// What it is multiplied by.
  virtual double weight() const = 0;
  /// Which dense scores loss() reads.
  virtual ScoreNeeds needs() const = 0;
  /// Whether loss() reads embedding_EP, which the router must then have.
  virtual bool needs_embeddings() const { return false; }
  /// Whether after_step() changes Router::selection_bias(), which the router must then have.
  virtual bool needs_selection_bias() const { return false; }
};

struct BalancerKind {
  std::string summary;
  Schema schema;
  std::function<std::shared_ptr<Balancer>(const Table& settings, const Place&)> make;
  bool evens_load = false;  // a larger weight spreads tokens more evenly over the experts
};
using BalancerRegistry = Registry<BalancerKind>;

/// The built-in kinds.
const BalancerRegistry& balancers();
BalancerRegistry empty_balancers();

/// The kind made of a class with an Options struct and a constructor (Options).
template <class T>
BalancerKind balancer_kind(std::string summary, bool evens_load = false) {
  return {std::move(summary), Schema::of<typename T::Options>(),
          [](const Table& settings, const Place& place) -> std::shared_ptr<Balancer> {
            return std::make_shared<T>(read_options<typename T::Options>(settings, place));
          },
          evens_load};
}

/// float32 or float64 [E], with gradient: for each expert the sum of the weights of its pairs.
torch::Tensor importance_of(const Routing& routing);
/// The squared coefficient of variation of value_E, variance / mean^2 (Shazeer et al. 2017, equation 7); 0 for one
/// value or when all are zero. `sample` divides the squared deviations by E - 1 instead of E.
torch::Tensor squared_variation(const torch::Tensor& value_E, bool sample);
/// float32 or float64 [T, E], without gradient: 1 where the token chose the expert.
torch::Tensor chosen_of(const Routing& routing);

/// The entropy, in nats, of the probabilities along the last axis. Where one is 0 value and gradient are finite.
torch::Tensor entropy_of(const torch::Tensor& prob);

/// The mean over the tokens that count: value_T... of shape [T, ...] to [...]. Zeros when none counts.
torch::Tensor mean_over_tokens(const torch::Tensor& value, const Routing& routing);

}  // namespace heterodyne
