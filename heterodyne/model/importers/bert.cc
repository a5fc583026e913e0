// BERT (Devlin et al. 2019) as Hugging Face's BertModel, BertForSequenceClassification with its classes, or the forms
// with the heads of pretraining, BertForMaskedLM, BertForPreTraining and BertForNextSentencePrediction, without them.
#include <fmt/format.h>

#include "heterodyne/model/foreign/encoder_parts.h"
#include "heterodyne/model/foreign/llama_family.h"

namespace heterodyne {
namespace {

void add_block(Blueprint& blueprint, const std::string& prefix, int64_t layer) {
  const std::string block = fmt::format("blocks.{}.", layer), expert = fmt::format("layers.{}.", layer);
  const std::string theirs = fmt::format("{}encoder.layer.{}.", prefix, layer);
  for (const std::string part : {".weight", ".bias"}) {
    const auto add = [&](const std::string& our, const std::string& their) {
      blueprint.tensors.push_back({{our + part}, {theirs + their + part}});
    };
    add(block + "attention.query", "attention.self.query");
    blueprint.tensors.push_back(joined_keys_and_values(block + "attention.key_value" + part,
                                                       theirs + "attention.self.key" + part,
                                                       theirs + "attention.self.value" + part));
    add(block + "attention.output", "attention.output.dense");
    add(block + "attention_norm", "attention.output.LayerNorm");
    add(expert + "up", "intermediate.dense");
    add(expert + "down", "output.dense");
    add(block + "feed_forward_norm", "output.LayerNorm");
  }
}

// Of pretraining: what masked words were, and whether one text follows another.
void ignore_heads(Blueprint& blueprint) {
  for (const char* part :
       {"predictions.bias", "predictions.transform.dense.weight", "predictions.transform.dense.bias",
        "predictions.transform.LayerNorm.weight", "predictions.transform.LayerNorm.bias",
        "predictions.transform.LayerNorm.gamma", "predictions.transform.LayerNorm.beta", "predictions.decoder.weight",
        "predictions.decoder.bias", "seq_relationship.weight", "seq_relationship.bias"})
    blueprint.ignored.push_back(std::string("cls.") + part);
}

Blueprint read_bert(const HfConfig& config) {
  config.expect("position_embedding_type", "absolute");
  config.expect("is_decoder", false);
  config.expect("hidden_act", "gelu");
  const auto architectures = config.texts("architectures");
  const std::string form = architectures.empty() ? "BertModel" : architectures.front();
  const bool has_classes = form == "BertForSequenceClassification";
  const bool is_pretraining =
      form == "BertForMaskedLM" || form == "BertForPreTraining" || form == "BertForNextSentencePrediction";
  const std::string prefix = has_classes || is_pretraining ? "bert." : "";
  const int64_t layers = config.num_layers();
  Blueprint blueprint;
  blueprint.model = {{"kind", "bert"},
                     {"width", config.size("hidden_size")},
                     {"layers", layers},
                     {"heads", config.size("num_attention_heads")},
                     {"context", config.size("max_position_embeddings")},
                     {"types", config.size("type_vocab_size", 2)},
                     {"output", has_classes ? "classes" : "tokens"},
                     {"norm_eps", config.real("layer_norm_eps", 1e-12)},
                     {"dropout", config.real("hidden_dropout_prob", 0.1)},
                     {"dense", Table{{"kind", "mlp"}, {"hidden", config.size("intermediate_size")}}}};
  const auto classes = static_cast<int64_t>(config.inner("id2label").table().size());
  if (has_classes) blueprint.model.set("classes", classes > 0 ? classes : 2);
  blueprint.data.vocabulary = blueprint.data.num_classes = config.size("vocab_size");
  blueprint.data.length = integer_of(blueprint.model, "context");
  const auto add = [&](const std::string& ours, const std::string& theirs) {
    blueprint.tensors.push_back({{ours}, {theirs}});
  };
  add("word.weight", prefix + "embeddings.word_embeddings.weight");
  add("position.weight", prefix + "embeddings.position_embeddings.weight");
  add("type.weight", prefix + "embeddings.token_type_embeddings.weight");
  for (const int64_t layer : all_layers(layers)) add_block(blueprint, prefix, layer);
  for (const std::string part : {".weight", ".bias"}) {
    add("norm" + part, prefix + "embeddings.LayerNorm" + part);
    add("pooler" + part, prefix + "pooler.dense" + part);
    if (has_classes) add("head" + part, "classifier" + part);
  }
  blueprint.ignored = {prefix + "embeddings.position_ids"};
  if (is_pretraining) ignore_heads(blueprint);
  blueprint.older_endings = {{"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}};
  return blueprint;
}

Table write_bert(const Table& model, const DataShape& data) {
  const bool has_classes = text_of(model, "output") == "classes";
  Table config{{"architectures", Array{has_classes ? "BertForSequenceClassification" : "BertModel"}},
               {"model_type", "bert"},
               {"vocab_size", data.vocabulary},
               {"hidden_size", integer_of(model, "width")},
               {"num_hidden_layers", integer_of(model, "layers")},
               {"num_attention_heads", integer_of(model, "heads")},
               {"intermediate_size", single_of(model, "dense.hidden")},
               {"max_position_embeddings", integer_of(model, "context")},
               {"type_vocab_size", integer_of(model, "types")},
               {"layer_norm_eps", *model.find("norm_eps")},
               {"hidden_dropout_prob", *model.find("dropout")},
               {"attention_probs_dropout_prob", *model.find("dropout")},
               {"hidden_act", "gelu"}};
  const int64_t classes = integer_of(model, "classes");
  if (has_classes) set_labels(config, classes > 0 ? classes : data.num_classes);
  return config;
}

}  // namespace

ImporterKind importer_kind_bert() {
  return {"BERT, with its classes or without",
          Schema(),
          "bert",
          [](const Table& config) { return text_of(config, "model_type") == "bert"; },
          [](const Table& config, const std::string& where) { return read_bert({config, where}); },
          write_bert};
}

}  // namespace heterodyne
