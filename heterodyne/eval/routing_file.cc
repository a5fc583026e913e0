#include "heterodyne/eval/routing_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/json.h"
#include "heterodyne/io/safetensors.h"

namespace heterodyne {
namespace {

// A number, or NaN where JSON says null for one that was none.
double real_or_nan_at(const Table& table, const char* key, const std::string& where) {
  const Value* value = table.find(key);
  return value && value->is_null() ? std::numeric_limits<double>::quiet_NaN() : io::real_at(table, key, where);
}

constexpr int64_t kFormat = 1;
constexpr const char* kKey = "heterodyne.routing";  // of the metadata

using NamedTensorList = std::vector<std::pair<std::string, torch::Tensor>>;

// One description of the tensors for both ways: a Writer collects them, a Reader fills them in.
class Writer {
 public:
  explicit Writer(NamedTensorList& tensors) : tensors_(tensors) {}

  void counts(const std::string& name, const std::vector<int64_t>& values, const std::vector<int64_t>& sizes) {
    tensors_.emplace_back(name, torch::tensor(values, torch::kInt64).view(sizes));
  }
  void reals(const std::string& name, const std::vector<double>& values, const std::vector<int64_t>& sizes) {
    tensors_.emplace_back(name, torch::tensor(values, torch::kFloat64).view(sizes));
  }

 private:
  NamedTensorList& tensors_;
};

class Reader {
 public:
  Reader(const io::SafetensorsFile& file, std::string path) : file_(file), path_(std::move(path)) {}

  // -1 stands for any size.
  void counts(const std::string& name, std::vector<int64_t>& values, const std::vector<int64_t>& sizes) const {
    const auto tensor = checked(name, torch::kInt64, sizes);
    values.assign(tensor.const_data_ptr<int64_t>(), tensor.const_data_ptr<int64_t>() + tensor.numel());
    for (const int64_t value : values) {
      if (value < -1) throw FormatError::in_file(path_, fmt::format("{}: expected counts, got {}", name, value));
    }
  }
  void reals(const std::string& name, std::vector<double>& values, const std::vector<int64_t>& sizes) const {
    const auto tensor = checked(name, torch::kFloat64, sizes);
    values.assign(tensor.const_data_ptr<double>(), tensor.const_data_ptr<double>() + tensor.numel());
  }

 private:
  torch::Tensor checked(const std::string& name, torch::Dtype dtype, const std::vector<int64_t>& sizes) const {
    const auto tensor = file_.tensor(name);
    bool fits = tensor.scalar_type() == dtype && tensor.dim() == static_cast<int64_t>(sizes.size());
    for (int64_t i = 0; fits && i < tensor.dim(); ++i) {
      const int64_t expected = sizes[static_cast<size_t>(i)];
      fits = expected < 0 || expected == tensor.size(i);
    }
    if (fits) return tensor.contiguous();
    throw FormatError::in_file(
        path_, fmt::format("{}: expected {} {}, got {} {}", name, c10::toString(dtype), shape_text(sizes),
                           c10::toString(tensor.scalar_type()), shape_text(tensor.sizes().vec())));
  }

  static std::string shape_text(const std::vector<int64_t>& sizes) {
    std::vector<std::string> parts;
    for (const int64_t size : sizes) parts.push_back(size < 0 ? "any" : std::to_string(size));
    return "[" + join(parts) + "]";
  }

  const io::SafetensorsFile& file_;
  std::string path_;
};

// Every tensor of a layer but those of its groups. `Layer` is const for a Writer.
template <class Visitor, class Layer>
void visit_layer(Visitor& visitor, const std::string& prefix, Layer& layer) {
  const int64_t E = layer.num_experts();
  visitor.counts(prefix + "pair_EE", layer.pair_EE, {E, E});
  visitor.counts(prefix + "k_hist_K", layer.k_histogram, {-1});
  visitor.reals(prefix + "shuffled_information_S", layer.shuffled_information, {-1});
  visitor.counts(prefix + "sample_TK", layer.sample.id_TK, {-1, layer.sample.num_choices});
  if (layer.confidence) {
    visitor.reals(prefix + "prob_sum_E", layer.confidence->prob_sum_E, {E});
    visitor.counts(prefix + "entropy_hist_B", layer.confidence->entropy_bins, {Confidence::kBins});
    visitor.counts(prefix + "margin_hist_B", layer.confidence->margin_bins, {Confidence::kBins});
  }
  if (layer.knock_out) {
    visitor.reals(prefix + "knockout_loss_E", layer.knock_out->loss_change_E, {E});
    visitor.reals(prefix + "knockout_accuracy_E", layer.knock_out->accuracy_change_E, {E});
    visitor.reals(prefix + "knockout_loss_EY", layer.knock_out->loss_change_EY, {E, -1});
  }
  if (layer.similarity) visitor.reals(prefix + "cka_EE", layer.similarity->cka_EE, {E, E});
}

Array texts(const std::vector<std::string>& values) { return {values.begin(), values.end()}; }

Array describe(const std::vector<TopToken>& tokens) {
  Array all;
  for (const auto& token : tokens) {
    all.emplace_back(Table{{"symbol", token.symbol},
                           {"count", token.count},
                           {"tokens", token.tokens},
                           {"before", token.before},
                           {"shown", token.shown},
                           {"after", token.after}});
  }
  return all;
}

Array describe(const std::vector<Latency>& latencies) {
  Array all;
  for (const auto& latency : latencies) {
    all.emplace_back(Table{{"batch", latency.batch},
                           {"passes", latency.num_passes},
                           {"threads", latency.threads},
                           {"p50_ms", latency.p50_ms},
                           {"p95_ms", latency.p95_ms}});
  }
  return all;
}

// What is not a tensor.
Table describe(const LayerProfile& layer) {
  Array experts, groups;
  for (const auto& expert : layer.experts) experts.emplace_back(Table{{"name", expert.name}, {"kind", expert.kind}});
  for (const auto& group : layer.groups) {
    Table about{{"name", group.name}, {"labels", texts(group.labels)}};
    if (!group.shuffled_information.empty()) about.set("shuffled", true);
    groups.emplace_back(std::move(about));
  }
  Table table{{"layer", layer.counts.layer},
              {"tokens", layer.counts.num_tokens},
              {"unrouted", layer.counts.num_unrouted},
              {"dropped", layer.counts.num_dropped},
              {"choices", layer.sample.num_choices},
              {"experts", std::move(experts)},
              {"groups", std::move(groups)}};
  if (!layer.top_tokens.empty()) {
    Array lists;
    for (const auto& tokens : layer.top_tokens) lists.emplace_back(describe(tokens));
    table.set("top_tokens", std::move(lists));
  }
  if (const auto& c = layer.confidence) {
    table.set("confidence",
              Table{{"tokens", c->num_tokens}, {"entropy_sum", c->entropy_sum}, {"margin_sum", c->margin_sum}});
  }
  if (const auto& k = layer.knock_out) table.set("knock_out", Table{{"loss", k->loss}, {"accuracy", k->accuracy}});
  if (const auto& s = layer.similarity)
    table.set("similarity", Table{{"tokens", s->num_tokens}, {"debiased", s->is_debiased}});
  return table;
}

void write_layer(const LayerProfile& layer, const std::string& prefix, NamedTensorList& tensors) {
  const int64_t E = layer.num_experts();
  Writer writer(tensors);
  std::vector<int64_t> id_E, params_E;
  std::vector<double> mac_E;
  for (const auto& expert : layer.experts) {
    id_E.push_back(expert.id);
    params_E.push_back(expert.params);
    mac_E.push_back(expert.macs);
  }
  writer.counts(prefix + "count_E", layer.counts.count_E, {E});
  writer.counts(prefix + "id_E", id_E, {E});
  writer.counts(prefix + "params_E", params_E, {E});
  writer.reals(prefix + "mac_E", mac_E, {E});
  auto copy = layer;  // a view of [T, 0] cannot be inferred
  if (copy.sample.num_choices == 0) copy.sample.num_choices = 1;
  visit_layer(writer, prefix, std::as_const(copy));
  for (const auto& group : layer.groups) {
    const auto G = static_cast<int64_t>(group.labels.size());
    writer.counts(prefix + group.name + "_EG", group.count_EG, {E, G});
    writer.counts(prefix + group.name + "_tokens_G", group.token_G, {G});
    if (!group.shuffled_information.empty())
      writer.reals(prefix + group.name + "_shuffled_S", group.shuffled_information, {-1});
  }
}

std::string name_at(const Value& item, std::string_view key, const std::string& where) {
  const Table* table = item.if_table();
  if (!table) throw FormatError::in_file(where, "expected a table, got " + std::string(item.type_name()));
  return io::text_at(*table, key, where);
}

void read_experts(const Reader& reader, const std::string& prefix, const Array& named, const std::string& where,
                  LayerProfile& layer) {
  const auto E = static_cast<int64_t>(named.size());
  std::vector<int64_t> id_E, params_E;
  std::vector<double> mac_E;
  reader.counts(prefix + "count_E", layer.counts.count_E, {E});
  reader.counts(prefix + "id_E", id_E, {E});
  reader.counts(prefix + "params_E", params_E, {E});
  reader.reals(prefix + "mac_E", mac_E, {E});
  for (size_t e = 0; e < named.size(); ++e) {
    layer.experts.push_back(
        {id_E[e], name_at(named[e], "name", where), name_at(named[e], "kind", where), params_E[e], mac_E[e]});
  }
}

void read_groups(const Reader& reader, const std::string& prefix, const Array& named, const std::string& where,
                 LayerProfile& layer) {
  for (const auto& item : named) {
    auto& group = layer.groups.emplace_back();
    group.name = name_at(item, "name", where);
    for (const auto& label : io::array_at(*item.if_table(), "labels", where)) {
      if (!label.if_text())
        throw FormatError::in_file(where, "labels: expected text, got " + std::string(label.type_name()));
      group.labels.push_back(*label.if_text());
    }
    const auto G = static_cast<int64_t>(group.labels.size());
    reader.counts(prefix + group.name + "_EG", group.count_EG, {layer.num_experts(), G});
    reader.counts(prefix + group.name + "_tokens_G", group.token_G, {G});
    if (item.if_table()->contains("shuffled"))
      reader.reals(prefix + group.name + "_shuffled_S", group.shuffled_information, {-1});
  }
}

const Table& table_of(const Value& item, const std::string& what, const std::string& where) {
  if (const Table* table = item.if_table()) return *table;
  throw FormatError::in_file(where, what + ": expected tables, got " + item.type_name());
}

// A file without them is of other data than a text, or older.
void read_top_tokens(const Table& table, const std::string& where, LayerProfile& layer) {
  if (!table.contains("top_tokens")) return;
  const Array& lists = io::array_at(table, "top_tokens", where);
  if (static_cast<int64_t>(lists.size()) != layer.num_experts())
    throw FormatError::in_file(where, fmt::format("top_tokens: expected {} lists, one for each expert, got {}",
                                                  layer.num_experts(), lists.size()));
  for (const auto& list : lists) {
    auto& tokens = layer.top_tokens.emplace_back();
    if (!list.if_array())
      throw FormatError::in_file(where, "top_tokens: expected lists, got " + std::string(list.type_name()));
    for (const auto& item : *list.if_array()) {
      const Table& token = table_of(item, "top_tokens", where);
      tokens.push_back({io::text_at(token, "symbol", where), io::integer_at(token, "count", where),
                        io::integer_at(token, "tokens", where), io::text_at(token, "before", where),
                        io::text_at(token, "shown", where), io::text_at(token, "after", where)});
    }
  }
}

std::vector<Latency> read_latency(const Table& table, const std::string& where) {
  std::vector<Latency> all;
  if (!table.contains("latency")) return all;
  for (const auto& item : io::array_at(table, "latency", where)) {
    const Table& one = table_of(item, "latency", where);
    all.push_back({io::integer_at(one, "batch", where), io::integer_at(one, "passes", where),
                   io::integer_at(one, "threads", where), io::real_at(one, "p50_ms", where),
                   io::real_at(one, "p95_ms", where)});
  }
  return all;
}

LayerProfile read_layer(const Reader& reader, const std::string& prefix, const Value& item, const std::string& path) {
  if (!item.if_table())
    throw FormatError::in_file(path, "layers: expected tables, got " + std::string(item.type_name()));
  const Table& table = *item.if_table();
  const std::string where = path + ": " + kKey;
  LayerProfile layer;
  layer.counts.layer = io::text_at(table, "layer", where);
  layer.counts.num_tokens = io::integer_at(table, "tokens", where);
  layer.counts.num_unrouted = io::integer_at(table, "unrouted", where);
  layer.counts.num_dropped = io::integer_at(table, "dropped", where);
  layer.sample.num_choices = std::max<int64_t>(1, io::integer_at(table, "choices", where));
  const std::string inside = prefix + layer.counts.layer + ".";
  read_experts(reader, inside, io::array_at(table, "experts", where), where, layer);
  if (table.contains("confidence")) {
    const Table& sums = io::table_at(table, "confidence", where);
    layer.confidence = Confidence{io::integer_at(sums, "tokens", where),
                                  io::real_at(sums, "entropy_sum", where),
                                  io::real_at(sums, "margin_sum", where),
                                  {},
                                  {},
                                  {}};
  }
  if (table.contains("knock_out")) {
    const Table& sums = io::table_at(table, "knock_out", where);
    layer.knock_out =
        KnockOut{real_or_nan_at(sums, "loss", where), real_or_nan_at(sums, "accuracy", where), {}, {}, {}};
  }
  if (table.contains("similarity")) {
    const Table& about = io::table_at(table, "similarity", where);
    layer.similarity = Similarity{io::integer_at(about, "tokens", where), io::flag_at(about, "debiased", where), {}};
  }
  visit_layer(reader, inside, layer);
  read_groups(reader, inside, io::array_at(table, "groups", where), where, layer);
  read_top_tokens(table, where, layer);
  return layer;
}

std::vector<LayerProfile> read_layers(const Reader& reader, const std::string& prefix, const Array& items,
                                      const std::string& path) {
  std::vector<LayerProfile> layers;
  for (const auto& item : items) layers.push_back(read_layer(reader, prefix, item, path));
  return layers;
}

Table cost_table(const Cost& cost) { return {{"macs", cost.macs}, {"params", cost.params}}; }

Cost cost_at(const Table& table, std::string_view key, const std::string& where) {
  const Table& cost = io::table_at(table, key, where);
  return {io::real_at(cost, "macs", where), io::integer_at(cost, "params", where), 0};
}

constexpr const char* kControl = "random_router.";  // before the names of the control's tensors

}  // namespace

void write_routing(const std::string& path, const RoutingProfile& profile) {
  NamedTensorList tensors;
  Array layers, control;
  for (const auto& layer : profile.layers) {
    layers.emplace_back(describe(layer));
    write_layer(layer, layer.counts.layer + ".", tensors);
  }
  for (const auto& layer : profile.random_router) {
    control.emplace_back(describe(layer));
    write_layer(layer, kControl + layer.counts.layer + ".", tensors);
  }
  Table table{{"format", kFormat},
              {"about", profile.about},
              {"examples", profile.num_examples},
              {"loss", profile.loss},
              {"accuracy", profile.accuracy},
              {"routed", cost_table(profile.cost.routed)},
              {"executed", cost_table(profile.cost.executed)},
              {"dense_macs", profile.dense_macs},
              {"layers", std::move(layers)},
              {"random_router", std::move(control)}};
  if (!profile.latency.empty()) table.set("latency", describe(profile.latency));
  io::write_safetensors(path, tensors, Table{{kKey, io::write_json(table)}});
}

RoutingProfile read_routing(const std::string& path) {
  const io::SafetensorsFile file(path);
  const Value* text = file.metadata().find(kKey);
  if (!text || !text->if_text())
    throw FormatError::in_file(
        path, "is not a file of routing statistics: its metadata has no \"" + std::string(kKey) + "\"");
  const std::string where = path + ": " + kKey;
  const Table table = io::parse_json_table(*text->if_text(), where);
  const int64_t format = io::integer_at(table, "format", where);
  if (format > kFormat)
    throw FormatError::in_file(
        path,
        fmt::format("format: expected at most {}, got {}; it was written by a newer heterodyne", kFormat, format));
  const Reader reader(file, path);
  RoutingProfile profile;
  profile.about = io::table_at(table, "about", where);
  profile.num_examples = io::integer_at(table, "examples", where);
  profile.loss = real_or_nan_at(table, "loss", where);
  profile.accuracy = real_or_nan_at(table, "accuracy", where);
  profile.cost = {cost_at(table, "routed", where), cost_at(table, "executed", where)};
  profile.dense_macs = io::real_at(table, "dense_macs", where);
  profile.latency = read_latency(table, where);
  profile.layers = read_layers(reader, "", io::array_at(table, "layers", where), path);
  profile.random_router = read_layers(reader, kControl, io::array_at(table, "random_router", where), path);
  return profile;
}

}  // namespace heterodyne
