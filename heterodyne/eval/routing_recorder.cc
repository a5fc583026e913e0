#include "heterodyne/eval/routing_recorder.h"

#include <ATen/ops/bincount.h>
#include <ATen/ops/xlogy.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "heterodyne/base/error.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/eval/information.h"
#include "heterodyne/eval/token_types.h"

namespace heterodyne {
namespace {

std::vector<int64_t> to_vector(const torch::Tensor& tensor) {
  const auto flat = tensor.to(torch::kCPU, torch::kInt64).contiguous();
  return {flat.const_data_ptr<int64_t>(), flat.const_data_ptr<int64_t>() + flat.numel()};
}

void add_to(std::vector<int64_t>& sum, const std::vector<int64_t>& more) {
  if (sum.size() < more.size()) sum.resize(more.size(), 0);
  for (size_t i = 0; i < more.size(); ++i) sum[i] += more[i];
}

void add_to(std::vector<int64_t>& sum, const torch::Tensor& more) { add_to(sum, to_vector(more)); }

// How often each of 0 .. size - 1 occurs in `index`, which holds nothing else.
torch::Tensor occurrences(const torch::Tensor& index, int64_t size) { return at::bincount(index, {}, size); }

// Bool: tokens that count.
torch::Tensor counted_of(const Routing& routing) {
  return routing.mask_T.defined() ? routing.mask_T
                                  : torch::ones({routing.num_tokens()}, torch::TensorOptions(torch::kBool));
}

void add_choices(const Routing& routing, const torch::Tensor& counted_T, LayerProfile& profile) {
  const auto& plan = routing.plan;
  const int64_t T = routing.num_tokens(), E = routing.num_experts();
  const auto k_T = plan.token_offset_T1.narrow(0, 1, T) - plan.token_offset_T1.narrow(0, 0, T);
  add_to(profile.k_histogram, occurrences(k_T.masked_select(counted_T), 1));
  // Sums of ones: exact in float64 up to 2^53.
  const auto chosen_TE =
      torch::zeros({T, E}, torch::kFloat64).index_put({plan.token_N, plan.expert_N}, torch::ones({}, torch::kFloat64));
  add_to(profile.pair_EE, chosen_TE.t().matmul(chosen_TE).round());
}

void add_groups(const Routing& routing, const torch::Tensor& counted_T, const TokenGroups& groups,
                LayerProfile& profile) {
  const auto G = static_cast<int64_t>(groups.labels.size());
  auto found = std::find_if(profile.groups.begin(), profile.groups.end(),
                            [&](const GroupCounts& known) { return known.name == groups.name; });
  if (found == profile.groups.end()) {
    profile.groups.push_back({groups.name, groups.labels, {}, {}});
    found = std::prev(profile.groups.end());
  }
  const auto group_N = groups.group_T.index_select(0, routing.plan.token_N);
  const auto place_N = (routing.plan.expert_N * G + group_N).masked_select(group_N >= 0);
  add_to(found->count_EG, occurrences(place_N, routing.num_experts() * G));
  add_to(found->token_G, occurrences(groups.group_T.masked_select(counted_T.logical_and(groups.group_T >= 0)), G));
}

void add_bins(const torch::Tensor& share_T, std::vector<int64_t>& bins) {
  const auto bin_T = (share_T * Confidence::kBins).to(torch::kInt64).clamp(0, Confidence::kBins - 1);
  add_to(bins, occurrences(bin_T, Confidence::kBins));
}

void add_confidence(const Routing& routing, const torch::Tensor& counted_T, LayerProfile& profile) {
  if (!routing.prob_TE.defined()) return;
  const int64_t E = routing.num_experts();
  auto p_TE = routing.prob_TE.to(torch::kFloat64).index_select(0, counted_T.nonzero().squeeze(1));
  p_TE = p_TE / p_TE.sum(1, true).clamp_min(1e-300);  // gates without a softmax do not sum to one
  const auto entropy_T = -at::xlogy(p_TE, p_TE).sum(1);
  const auto margin_T = E > 1 ? [&] {
    const auto top_T2 = std::get<0>(p_TE.topk(2, 1));
    return top_T2.select(1, 0) - top_T2.select(1, 1);
  }()
                              : torch::ones_like(entropy_T);
  auto& sum = profile.confidence ? *profile.confidence : profile.confidence.emplace();
  sum.num_tokens += p_TE.size(0);
  sum.entropy_sum += entropy_T.sum().item<double>();
  sum.margin_sum += margin_T.sum().item<double>();
  sum.prob_sum_E.resize(static_cast<size_t>(E), 0);
  const auto prob_E = p_TE.sum(0);
  for (int64_t e = 0; e < E; ++e) sum.prob_sum_E[static_cast<size_t>(e)] += prob_E[e].item<double>();
  add_bins(E > 1 ? entropy_T / std::log(static_cast<double>(E)) : torch::ones_like(entropy_T), sum.entropy_bins);
  add_bins(margin_T, sum.margin_bins);
}

void add_sample(const Routing& routing, const torch::Tensor& counted_T, int64_t most, LayerProfile& profile) {
  auto& sample = profile.sample;
  const auto K = static_cast<size_t>(sample.num_choices);
  if (K == 0) return;
  const auto offsets = to_vector(routing.plan.token_offset_T1);
  const auto pairs = to_vector(routing.plan.pair_of_token_N), experts = to_vector(routing.plan.expert_N);
  const auto counted = to_vector(counted_T);
  for (int64_t t = 0; t < routing.num_tokens() && static_cast<int64_t>(sample.id_TK.size() / K) < most; ++t) {
    if (counted[static_cast<size_t>(t)] == 0) continue;
    const size_t row = sample.id_TK.size();
    sample.id_TK.resize(row + K, -1);
    const auto first = static_cast<size_t>(offsets[static_cast<size_t>(t)]);
    const auto last = std::min(static_cast<size_t>(offsets[static_cast<size_t>(t) + 1]), first + K);
    for (size_t i = first; i < last; ++i) {
      const auto position = static_cast<size_t>(experts[static_cast<size_t>(pairs[i])]);
      sample.id_TK[row + i - first] = profile.experts[position].id;
    }
  }
}

// The examples' assignments under each shuffle's labels. An example's tokens stay together: they are not independent.
void add_shuffled(const Routing& routing, int64_t num_examples, const std::vector<std::vector<int64_t>>& label_SB,
                  std::vector<std::vector<int64_t>>& count_SEY) {
  const auto B = static_cast<size_t>(num_examples), E = static_cast<size_t>(routing.num_experts());
  const int64_t S = std::max<int64_t>(1, routing.num_tokens() / std::max<int64_t>(num_examples, 1));
  const auto place_N = routing.plan.token_N.div(S, "floor") * routing.num_experts() + routing.plan.expert_N;
  const auto count_BE = to_vector(occurrences(place_N, num_examples * routing.num_experts()));
  for (size_t s = 0; s < label_SB.size(); ++s) {
    const size_t Y = count_SEY[s].size() / E;
    for (size_t b = 0; b < B; ++b) {
      const auto y = static_cast<size_t>(label_SB[s][b]);
      for (size_t e = 0; e < E; ++e) count_SEY[s][e * Y + y] += count_BE[b * E + e];
    }
  }
}

// Which part each token is of, [T], when an example's counted tokens are dealt out anew among the parts, each of which
// keeps its size. `key_BS` are the draws.
torch::Tensor dealt_parts(const std::vector<TokenPart>& parts, const torch::Tensor& key_BS,
                          const torch::Tensor& counted_T) {
  const auto last_BS = counted_T.logical_not().to(key_BS.scalar_type()).view_as(key_BS) * 2;
  const auto rank_BS = (key_BS + last_BS).argsort(int64_t{1}).argsort(int64_t{1});
  auto part_BS = torch::zeros_like(rank_BS);
  int64_t end = 0;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    end += parts[i].count;
    part_BS = part_BS + rank_BS.ge(end).to(torch::kInt64);
  }
  return part_BS.reshape(-1);
}

LayerProfile profile_of(MoeLayer& layer) {
  LayerProfile profile;
  profile.counts.layer = layer.layer_name();
  profile.counts.count_E.resize(static_cast<size_t>(layer.num_experts()), 0);
  profile.sample.num_choices = layer.router().max_choices();
  for (const auto& slot : layer.slots()) {
    const Cost cost = slot.expert->cost({1, 1, 1}).routed;
    profile.experts.push_back(
        {slot.id, layer.group_name(slot.group), layer.group_kind(slot.group), cost.params, cost.macs});
  }
  return profile;
}

void add_counts(const LayerRouting& routing, LayerProfile& profile) {
  auto& counts = profile.counts;
  if (routing.tokens_per_expert_E.numel() != profile.num_experts()) {
    throw Error(routing.layer, fmt::format("routing statistics: expected {} experts as before, got {}",
                                           profile.num_experts(), routing.tokens_per_expert_E.numel()));
  }
  add_to(counts.count_E, routing.tokens_per_expert_E);
  counts.num_tokens += routing.num_tokens;
  counts.num_unrouted += routing.num_unrouted;
  counts.num_dropped += routing.num_dropped;
}

}  // namespace

RoutingRecorder::RoutingRecorder(Network& network, RecorderOptions options)
    : options_(std::move(options)), grid_(network.token_grid()), parts_(network.token_parts()) {
  for (MoeLayer* layer : network.moe_layers()) layers_.push_back(profile_of(*layer));
  if (!options_.vocabulary.empty()) {
    for (const auto& layer : layers_) tokens_.emplace_back(options_.vocabulary, layer.num_experts());
  }
  if (!parts_.empty()) shuffled_modality_.resize(layers_.size());
  const auto Y = options_.class_names.size();
  if (!options_.label_of_example.defined() || options_.label_of_example.numel() == 0 || Y == 0) return;
  const RandomStream stream("eval.shuffled_labels");
  for (int64_t s = 0; s < options_.num_shuffles; ++s) {
    shuffles_.emplace_back(options_.label_of_example.numel(), stream,
                           RandomKey{options_.seed, static_cast<uint64_t>(s)});
  }
  for (const auto& layer : layers_)
    shuffled_.emplace_back(shuffles_.size(), std::vector<int64_t>(layer.counts.count_E.size() * Y, 0));
}

RoutingLog RoutingRecorder::log() {
  RoutingLog log;
  log.keep_pairs = true;
  log.keep_scores = true;
  return log;
}

std::vector<TokenGroups> RoutingRecorder::groups_of(const Batch& batch, int64_t num_tokens) const {
  const int64_t S = num_tokens / std::max<int64_t>(batch.size(), 1);
  std::vector<TokenGroups> all;
  if (!options_.class_names.empty()) all.push_back({"class", options_.class_names, batch.label_B.repeat_interleave(S)});
  for (const auto& types : options_.token_types) {
    const auto group_of = torch::tensor(types.group_of, torch::kInt64);
    all.push_back({types.name, types.labels, group_of.index_select(0, batch.inputs.reshape(-1))});
  }
  if (!options_.vocabulary.empty()) {
    auto places = word_places(batch.inputs, options_.vocabulary);
    if (!places.labels.empty()) all.push_back(std::move(places));
  }
  const auto place_T = torch::arange(S).repeat({batch.size()});
  const auto numbers = [](int64_t count) {
    std::vector<std::string> names;
    for (int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
    return names;
  };
  constexpr int64_t kDeciles = 10;
  if (!options_.token_types.empty() && S >= kDeciles)
    all.push_back({"position_decile", numbers(kDeciles), (place_T * kDeciles).div(S, "floor")});
  add_parts(batch, place_T, all);
  const int64_t num_patches = grid_.rows * grid_.columns;
  if (num_patches <= 1 || num_patches > S) return all;
  const auto patches = [&](const char* name, int64_t count, const torch::Tensor& group_T) {
    all.push_back({name, numbers(count), group_T.masked_fill(place_T >= num_patches, -1)});
  };
  patches("patch_row", grid_.rows, place_T.div(grid_.columns, "floor"));
  patches("patch_column", grid_.columns, place_T.remainder(grid_.columns));
  return all;
}

// Tokens by modality, and those of a text beside an image by word.
void RoutingRecorder::add_parts(const Batch& batch, const torch::Tensor& place_T, std::vector<TokenGroups>& all) const {
  if (parts_.empty()) return;
  TokenGroups modality{"modality", {}, torch::zeros_like(place_T)};
  int64_t end = 0;
  for (const auto& part : parts_) {
    if (!modality.labels.empty()) modality.group_T += place_T.ge(end).to(torch::kInt64);
    modality.labels.push_back(part.name);
    end += part.count;
  }
  all.push_back(std::move(modality));
  if (options_.words.empty() || !batch.text_BS.defined()) return;
  TokenGroups words{"word", {}, torch::full({batch.size(), end}, -1, torch::kInt64)};
  for (const auto& word : options_.words) words.labels.push_back(printable(word));
  const int64_t length = batch.text_BS.size(1);
  words.group_T.narrow(1, end - length, length).copy_(batch.text_BS);
  words.group_T = words.group_T.reshape(-1);
  all.push_back(std::move(words));
}

void RoutingRecorder::add_modality_shuffles(const Batch& batch, const Routing& routing, size_t layer) {
  if (parts_.empty() || batch.size() == 0) return;
  const int64_t B = batch.size(), S = routing.num_tokens() / B, E = routing.num_experts();
  const auto G = static_cast<int64_t>(parts_.size());
  const RandomStream stream("eval.shuffled_modality");
  const auto counted_T = counted_of(routing);
  const auto example_B = torch::arange(num_examples_, num_examples_ + B);
  auto& shuffles = shuffled_modality_[layer];
  shuffles.resize(static_cast<size_t>(options_.num_modality_shuffles));
  for (size_t s = 0; s < shuffles.size(); ++s) {
    const auto key_BS = stream.uniform_rows({options_.seed, static_cast<uint64_t>(s)}, example_B, S);
    const auto group_N = dealt_parts(parts_, key_BS, counted_T).index_select(0, routing.plan.token_N);
    add_to(shuffles[s], occurrences(routing.plan.expert_N * G + group_N, E * G));
  }
}

std::vector<std::vector<int64_t>> RoutingRecorder::shuffled_labels(const Batch& batch) const {
  std::vector<std::vector<int64_t>> all;
  const auto indices = to_vector(batch.index_B);
  const auto labels = options_.label_of_example.contiguous();
  const int64_t* label = labels.const_data_ptr<int64_t>();
  for (const auto& shuffle : shuffles_) {
    auto& label_B = all.emplace_back();
    for (const int64_t index : indices) label_B.push_back(label[shuffle.at(index)]);
  }
  return all;
}

void RoutingRecorder::add(const Batch& seen, const RoutingLog& log, const std::vector<TokenGroups>& groups) {
  Batch batch = seen;
  const bool is_of_pairs = batch.inputs.dim() == 3 && batch.inputs.scalar_type() == torch::kInt64;
  if (is_of_pairs) batch.inputs = batch.inputs.select(2, 0).contiguous();  // without the types
  HETERODYNE_DCHECK(log.layers.size() == layers_.size());
  const auto labels_SB = shuffles_.empty() ? std::vector<std::vector<int64_t>>{} : shuffled_labels(batch);
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Routing& routing = log.layers[l].routing;
    LayerProfile& profile = layers_[l];
    add_counts(log.layers[l], profile);
    const auto counted_T = counted_of(routing);
    add_choices(routing, counted_T, profile);
    for (const auto& one : groups_of(batch, routing.num_tokens())) add_groups(routing, counted_T, one, profile);
    for (const auto& one : groups) add_groups(routing, counted_T, one, profile);
    add_confidence(routing, counted_T, profile);
    add_sample(routing, counted_T, options_.num_sampled_tokens, profile);
    if (!tokens_.empty()) tokens_[l].add(batch, routing);
    if (!labels_SB.empty()) add_shuffled(routing, batch.size(), labels_SB, shuffled_[l]);
    add_modality_shuffles(batch, routing, l);
  }
  num_examples_ += batch.size();
}

std::vector<LayerProfile> RoutingRecorder::layers() const {
  auto all = layers_;
  const auto Y = static_cast<int64_t>(options_.class_names.size());
  for (size_t l = 0; l < shuffled_.size(); ++l) {
    for (const auto& count_EY : shuffled_[l])
      all[l].shuffled_information.push_back(information_of({all[l].num_experts(), Y, count_EY}).mutual);
  }
  for (size_t l = 0; l < shuffled_modality_.size(); ++l) {
    auto& groups = all[l].groups;
    const auto found =
        std::find_if(groups.begin(), groups.end(), [](const GroupCounts& known) { return known.name == "modality"; });
    if (found == groups.end()) continue;
    for (const auto& count_EG : shuffled_modality_[l])
      found->shuffled_information.push_back(
          information_of({all[l].num_experts(), static_cast<int64_t>(parts_.size()), count_EG}).mutual);
  }
  for (size_t l = 0; l < tokens_.size(); ++l) {
    all[l].top_tokens = tokens_[l].top();
    auto deciles = tokens_[l].frequency_deciles();
    if (!deciles.labels.empty()) all[l].groups.push_back(std::move(deciles));
  }
  return all;
}

}  // namespace heterodyne
