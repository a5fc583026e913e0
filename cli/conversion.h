// Conversion: the stages of `heterodyne convert`, each of which leaves files that the next one reads.
//
//   OUT/scores.safetensors   score_LFD, float64: how much each neuron of each dense layer matters to each domain
//   OUT/maps/4.part.8        the experts of each neuron of layer 4
//   OUT/checkpoints/         the converted model; OUT is a run's folder then, at step 0, and can be tuned
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/compute.h"
#include "heterodyne/convert/build.h"
#include "heterodyne/convert/partitioner.h"
#include "heterodyne/convert/score.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne::cli {

struct ConversionOptions {
  std::string model;
  std::string out;
  int64_t seed = 1;
  std::vector<int64_t> layers;
  int64_t experts = 8;
  std::vector<Member> domains;
  int64_t sequences = 256;
  Member score{Table{{"kind", "taylor"}}};
  Member partition{Table{{"kind", "hemoe"}}};
  Member router{Table{{"kind", "top_k"}, {"k", 4}, {"weights", "one"}, {"init_std", 0.001}}};
  std::string router_init = "random";
  std::string combine = "sum";
  std::vector<Member> balancers;
  double tolerance = 1e-4;
  std::vector<std::string> tuning;
  void visit(Fields& field) {
    field("model", model, "the dense model: a run's folder or a checkpoint's", required());
    field("out", out, "the folder that the stages write into", required());
    field("seed", seed, "of every draw", at_least(0));
    field("layers", layers, "which dense layers become Mixtures of Experts, counted from 0; [] for all", list_or_none(),
          between(0, 1000));
    field("experts", experts, "experts of a layer", at_least(1));
    field("domains", domains, "texts of each domain; [] for the model's own training text alone",
          member_of(datasets()));
    field("sequences", sequences, "sequences of each domain that neurons are scored on", at_least(1));
    field("score", score, "what says how much a neuron matters", member_of(scores()));
    field("partition", partition, "what divides the neurons", member_of(partitioners()));
    field("router", router, "the router of each converted layer", member_of(routers()));
    field(
        "router_init", router_init,
        "random: as its kind begins; keys: each expert's row is the mean of its neurons' rows of the gate's matrix, "
        "without a gate of the first; domains: it points to the mean inputs of the domains that its neurons matter to",
        one_of("random", "keys", "domains"));
    field("combine", combine,
          "how a token's experts make its answer. sum: as with the router's weights = \"one\"; mean: with weights that "
          "add "
          "up to one, as those of top_any do",
          one_of("sum", "mean"));
    field("balancers", balancers, "losses on the routing when the model is tuned", member_of(heterodyne::balancers()));
    field("tolerance", tolerance,
          "largest difference of logits from the dense model's with all experts at work, where no neuron is left out",
          more_than(0));
    field("tuning", tuning,
          "PATH=VALUE of `data` and `train`, laid over the dense model's experiment, for training the converted one",
          list_or_none());
  }
};

/// Whether a configuration is one of a conversion and not of an experiment.
bool is_conversion(const Table& config);
/// Checks the whole table; throws one ConfigError with all complaints. What `tuning` sets is checked with the
/// experiment that it is laid over.
ConversionOptions read_conversion(const Table& config);

/// What a network says to a batch.
struct Answered {
  Batch batch;
  torch::Tensor logit_BSY;
};

class Conversion {
 public:
  /// Loads the dense model. Throws what load_model() throws, and ConfigError for a layer that is not a dense one.
  Conversion(ConversionOptions options, const ComputeFlags& flags, const Invocation& invocation);

  /// Whether the partition or the routers read what score() writes.
  bool needs_scores() const;
  /// Measures scores, or finds those of the same settings; writes OUT/scores.safetensors.
  void score();
  /// Divides the neurons of each layer; reads what score() wrote; writes OUT/maps.
  void partition();
  /// Makes the converted model from OUT/maps and writes it. Throws CheckError when with all experts at work it does not
  /// answer as the dense one does, although no neuron is left out; nothing is written then. Copies whose weights add up
  /// to one must do so as they are routed too. The last that is done with the dense model: it is not kept beside the
  /// converted one, so that a machine needs memory for one of them.
  void build();

 private:
  size_t num_domains() const;  // at least one: the model's own text
  Experiment experiment_of_domain(size_t d) const;
  std::unique_ptr<Dataset> texts_of(const Experiment& experiment) const;
  void read_domain(size_t d, const std::function<void(const BatchSource&)>& use) const;
  torch::Tensor score_of_domain(size_t d) const;
  std::map<int64_t, torch::Tensor> domain_routers(const ConversionPlan& plan) const;
  std::string score_settings() const;
  const std::string& texts_mark() const;
  torch::Tensor read_scores() const;
  ConversionPlan read_plan() const;
  Batch sample_batch() const;
  void require(double difference, const std::string& what, const Batch& batch) const;
  void check(const Answered& dense, Network& converted, const ConversionPlan& plan, const CopyCoverage& coverage) const;
  void save(Network& converted, const Experiment& experiment) const;

  ConversionOptions options_;
  const ComputeFlags& flags_;
  const Invocation& invocation_;
  TrainedModel dense_;
  std::vector<DenseLayer> layers_;  // those that are converted
  mutable std::string texts_mark_;  // empty until it is asked for
};

}  // namespace heterodyne::cli
