// What checkpoints of LLaMA and of the models that followed it have in common, in the form of Hugging Face's
// transformers: settings, names of tensors, and the way back.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "heterodyne/model/foreign/hf_config.h"
#include "heterodyne/model/importer.h"

namespace heterodyne {

/// Width, layers, heads, positions, norms and head; of the tensors those outside the feed-forward parts. `attention` is
/// the section `model.attention`. Keys of both styles, `rope_parameters` and `rope_theta` with `rope_scaling`, are
/// read. Throws FormatError for what the network `llama` has not.
Blueprint llama_blueprint(const HfConfig& config, const Table& attention = {});

/// The parts that the layer's feed-forward part has: each of theirs under their name, ours under ours.
struct FeedForwardNames {
  std::string gate = "gate_proj", down = "down_proj", up = "up_proj";
};

/// Dense feed-forward parts, model.layers.L.mlp.*, of the layers.
void add_dense_layers(Blueprint& blueprint, const std::vector<int64_t>& layers, int64_t hidden);

/// A Mixture of Experts for each of the layers.
struct MoeLayers {
  std::vector<int64_t> layers;
  int64_t experts = 0;
  int64_t hidden = 0;
  Table router;
  std::string section = "mlp";  // of a layer: "model.layers.0.mlp.gate.weight"
  FeedForwardNames names = {};
  int64_t shared_hidden = 0;  // of an expert for every token with a sigmoid gate; 0: there is none
};
void add_moe_layers(Blueprint& blueprint, const MoeLayers& moe);

/// What keys of config.json say of layers of which some are Mixtures of Experts, as Qwen's have them: `choices` experts
/// for a token unless it says another number, and beside them one of `shared_hidden` for every token, or none for 0.
void add_sparse_layers(Blueprint& blueprint, const HfConfig& config, int64_t choices, int64_t shared_hidden);

/// 0 .. count - 1.
std::vector<int64_t> all_layers(int64_t count);
/// Those of all layers that are not among the others.
std::vector<int64_t> layers_without(int64_t count, const std::vector<int64_t>& others);

/// The keys of config.json that every model of the family has, from the settings `model`.
Table llama_config(const std::string& type, const std::string& architecture, const Table& model, const DataShape& data);

/// The keys that say which layers are Mixtures of Experts, and of what, where some may be dense.
void set_sparse_layers(Table& config, const Table& model);

// Settings at a dotted path, or 0, false, "" and nothing where there are none.
int64_t integer_of(const Table& model, const std::string& path);
bool flag_of(const Table& model, const std::string& path);
std::string text_of(const Table& model, const std::string& path);
/// A list of whole numbers, of which one alone may be written without brackets.
std::vector<int64_t> integers_of(const Table& model, const std::string& path);
/// The first entry of a list of members, or an empty table.
Table first_of(const Table& model, const std::string& path);

/// A setting that may be a list of one.
int64_t single_of(const Table& model, const std::string& key);

/// The importer of one such model: `type` is config.json's model_type.
ImporterKind llama_importer(std::string summary, const std::string& type, Blueprint (*read)(const HfConfig&),
                            Table (*write)(const Table&, const DataShape&));

}  // namespace heterodyne
