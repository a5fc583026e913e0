// Pool: the experts of a network in training, which come and go together with what belongs to them: entries of the
// router, moments of the optimizer, averages of weights. Growers (grower.h) decide, this does it; experts that are not
// named are not touched or copied.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "heterodyne/base/fields.h"
#include "heterodyne/layer/resize.h"
#include "heterodyne/model/network.h"
#include "heterodyne/train/growth/event.h"
#include "heterodyne/train/optimizer.h"

namespace heterodyne {

struct PoolOptions {
  int64_t min_experts = 1;
  int64_t max_experts = 0;
  int64_t max_params = 0;
  std::string newcomer = "copy";
  double noise = 0.01;
  void visit(Fields& field) {
    field("min_experts", min_experts, "fewest experts of a layer", at_least(1));
    field("max_experts", max_experts, "most experts of a layer; 0 for no limit", at_least(0));
    field("max_params", max_params, "most parameters of the whole network; 0 for no limit", at_least(0));
    field("newcomer", newcomer,
          "the weights of a new expert: a copy of the one it is most like, the mean of those of its group and size, "
          "fresh ones, or the copy with noise",
          one_of("copy", "mean", "fresh", "noisy_copy"));
    field("noise", noise, "standard deviation of the noise, of that of each tensor's own values", more_than(0),
          effective_when(newcomer == "noisy_copy", "newcomer is not \"noisy_copy\""));
  }
};

struct Newcomer {
  int64_t parent = 0;           // id of the expert it is most like: its group and size are that one's
  torch::Tensor toward_D = {};  // the tokens it is for; undefined: those of its parent, which they share from now on
  double spread = 0;            // without toward_D: how far the two move apart in the router, of an embedding's length
  std::string reason;           // see GrowthEvent
  std::string event = "split";  // or "add"
};

class Pool {
 public:
  struct Parts {
    Network& network;
    Optimizer& optimizer;
    Sums& averages;  // see growth/averages.h; empty when none are kept
    uint64_t seed = 0;
    std::function<void()> before_first = {};  // called before the first change; may be empty
  };
  /// `options` must outlive this.
  Pool(Parts parts, const PoolOptions& options) : parts_(std::move(parts)), options_(options) {}

  std::vector<MoeLayer*> layers() const { return parts_.network.moe_layers(); }
  int64_t num_params() const { return heterodyne::num_params(parts_.network); }
  /// Whether limits and router allow one more expert like the one with this id.
  bool has_room(MoeLayer& layer, int64_t parent) const;
  /// Whether limits and router allow the layer to do without the one with this id.
  bool can_spare(MoeLayer& layer, int64_t id) const;

  /// Its id. Throws Error when the layer has no such parent.
  int64_t add(MoeLayer& layer, const Newcomer& newcomer);
  /// Throws Error when there is none with this id or it is the last.
  void remove(MoeLayer& layer, int64_t id, const std::string& reason);
  /// Makes one of two, see merge_experts(); the optimizer's state of the one that stays is kept.
  void merge(MoeLayer& layer, int64_t id, int64_t other_id, const std::string& reason);

  /// What was done, in order.
  const std::vector<GrowthEvent>& events() const { return events_; }

 private:
  void begin();
  void follow(const MoeLayer& layer, const std::vector<AxisChange>& changes);
  void give_weights(MoeLayer& layer, int64_t id) const;

  Parts parts_;
  const PoolOptions& options_;
  std::vector<GrowthEvent> events_;
};

}  // namespace heterodyne
