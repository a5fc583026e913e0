// Balancer: a loss on a layer's routing that keeps the experts in use, or the scores in bounds. Each kind is one
// file in balancers/.
//
// Letters used here and in balancers/: T tokens, E experts, N chosen pairs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "heterodyne/base/registry.h"
#include "heterodyne/base/torch.h"
#include "heterodyne/layer/router.h"
#include "heterodyne/layer/routing.h"

namespace heterodyne {

class Balancer {
 public:
  virtual ~Balancer() = default;

  /// A float scalar of at least float32 with gradient to the router, over the tokens that count; zero for a batch
  /// without any. Not yet weighted.
  virtual torch::Tensor loss(const Routing& routing) const = 0;
  /// What it is multiplied by.
  virtual double weight() const = 0;
  /// Which dense scores loss() reads.
  virtual ScoreNeeds needs() const = 0;
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

/// The mean over the tokens that count: value_T... of shape [T, ...] to [...]. Zeros when none counts.
torch::Tensor mean_over_tokens(const torch::Tensor& value, const Routing& routing);

}  // namespace heterodyne
