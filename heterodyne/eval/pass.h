// Pass: one look at the examples of a loader, as measurements take it: in eval mode, without gradients.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "heterodyne/data/loader.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

/// Puts a network into eval mode as long as it lives.
class EvalMode {
 public:
  explicit EvalMode(Network& network) : network_(network), was_training_(network.is_training()) { network_.eval(); }
  ~EvalMode() { network_.train(was_training_); }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  Network& network_;
  bool was_training_;
};

/// Puts a router, in eval mode, in the place of a layer's as long as it lives.
class RouterStandIn {
 public:
  RouterStandIn(MoeLayer& layer, std::shared_ptr<Router> router) : layer_(layer) {
    router->eval();
    own_ = layer.swap_router(std::move(router));
  }
  ~RouterStandIn() { layer_.swap_router(std::move(own_)); }
  RouterStandIn(const RouterStandIn&) = delete;
  RouterStandIn& operator=(const RouterStandIn&) = delete;

 private:
  MoeLayer& layer_;
  std::shared_ptr<Router> own_;
};

struct PassOptions {
  torch::Dtype dtype;        // the network's
  int64_t num_examples = 0;  // at most; 0: all
  /// Told how many batches are done; when it returns false the pass ends early. May be empty.
  std::function<bool(int64_t)> on_batch;

  /// Implicit: to most passes only the dtype matters.
  PassOptions(torch::Dtype network_dtype = torch::kFloat32, int64_t examples = 0,
              std::function<bool(int64_t)> told = {})
      : dtype(network_dtype), num_examples(examples), on_batch(std::move(told)) {}
};

/// The first `size` examples, at most all.
Batch first_of(const Batch& batch, int64_t size);

/// Brings inputs that are no token ids to the dtype.
void set_dtype(Batch& batch, torch::Dtype dtype);

/// Calls `work` with each batch of the loader's first epoch, its inputs in the dtype.
void each_batch(Loader& loader, const PassOptions& options, const std::function<void(const Batch&)>& work);

}  // namespace heterodyne
