// LayerShape: one MoE layer and one batch to time it on. Shapes are data: bench/shapes/*.toml, which the program holds,
// or a file of the user's, TOML or JSON, with a list of tables called `shape`.
//
// Letters: T tokens, D width, F hidden width of an expert, E experts, K choices per token, N chosen pairs.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "heterodyne/layer/moe_layer.h"

namespace heterodyne::cli {

struct LayerShape {
  std::string id;
  std::string stands_for;
  int64_t tokens = 1024;
  int64_t length = 0;
  int64_t width = 256;
  Member router{Table{{"kind", "top_k"}, {"k", 2}}};
  std::vector<Member> experts;
  std::string loads = "learned";
  std::vector<int64_t> choices = {2};
  double dead = 0;
  std::string per_flop_of;
  bool dense = true;
  bool rivals = true;
  bool divided = false;
  void visit(Fields& field) {
    field("id", id, "what the shape is called", required());
    field("stands_for", stands_for, "what it is a small version of");
    field("tokens", tokens, "tokens of the batch", at_least(1));
    field("length", length, "tokens of a sequence, a divisor of tokens; 0: all are one sequence", at_least(0));
    field("width", width, "features of a token", at_least(1));
    field("experts", experts, "groups of experts", member_of(heterodyne::experts()), required());
    field("loads", loads,
          "learned: a router's own, fresh and so about even; even, zipf: drawn beforehand, the router's work left out",
          one_of("learned", "even", "zipf"));
    const bool is_learned = loads == "learned";
    field("router", router, "decides which experts work on which tokens", member_of(routers()),
          effective_when(is_learned, "loads are drawn beforehand"));
    field("choices", choices, "experts of a token, taken in turn", list_or_one(), at_least(0),
          effective_when(!is_learned, "loads = \"learned\""));
    field("dead", dead, "share of the experts that nobody chooses", between(0, 0.99),
          effective_when(!is_learned, "loads = \"learned\""));
    field("per_flop_of", per_flop_of, "id of the shape whose time for an operation this one's is compared with");
    field("dense", dense, "whether a dense layer of the same operations is timed beside it");
    field("rivals", rivals, "whether the plain layers are timed beside it");
    field("divided", divided,
          "whether the experts, of kind swiglu, are the parts of a dense layer; `bench decode` times that one too");
  }

  int64_t sequence() const { return length > 0 ? length : tokens; }
};

/// The sets of shapes that the program holds, "layer" to its text. Written by the build from bench/shapes/.
const std::map<std::string, std::string>& shape_sets();

/// The shapes of a set, or of the file `source`. Throws ConfigError about a setting at fault, an id that occurs twice,
/// or a `per_flop_of` that is no id of the list.
std::vector<LayerShape> read_shapes(const std::string& source);

/// The layer with random values from `seed`, in train mode, its router replaced when the loads are drawn beforehand.
std::shared_ptr<MoeLayer> make_layer(const LayerShape& shape, uint64_t seed = 1);

/// int64 [T, K], -1 for no choice: distinct experts for each token, drawn with equal probabilities or with those of
/// Zipf's law of exponent 1 over a random order of the experts that are alive.
torch::Tensor drawn_choices(const LayerShape& shape, int64_t num_experts, uint64_t seed = 1);

/// What a shape's batch does in a layer.
struct LayerWork {
  std::vector<double> rows_E;  // of each expert
  double pairs = 0;            // N
  double flops = 0;            // of the experts, forward: twice their multiply-adds
  double weights = 0;          // values of the experts
};
LayerWork work_of(MoeLayer& layer, const LayerShape& shape, const torch::Tensor& x_BSD);

/// [B, S, D], standard normal.
torch::Tensor random_input(const LayerShape& shape, uint64_t seed = 1);

}  // namespace heterodyne::cli
