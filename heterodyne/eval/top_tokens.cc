#include "heterodyne/eval/top_tokens.h"

#include <algorithm>
#include <numeric>

#include "heterodyne/base/printable.h"
#include "heterodyne/eval/token_types.h"

namespace heterodyne {
namespace {

std::vector<int64_t> numbers_of(const torch::Tensor& tensor) {
  const auto flat = tensor.to(torch::kCPU, torch::kInt64).contiguous();
  return {flat.const_data_ptr<int64_t>(), flat.const_data_ptr<int64_t>() + flat.numel()};
}

// White space that can be seen.
std::string shown(const std::string& symbol) {
  if (symbol == "\n" || symbol == "<eos>") return "↵";
  if (symbol == "\t") return "→";
  return printable(symbol);
}

}  // namespace

TokenCounter::TokenCounter(Vocabulary vocabulary, int64_t num_experts)
    : vocabulary_(std::move(vocabulary)),
      num_experts_(num_experts),
      has_words_(std::any_of(vocabulary_.begin(), vocabulary_.end(), is_word)),
      count_EV_(vocabulary_.size() * static_cast<size_t>(num_experts), 0),
      token_V_(vocabulary_.size(), 0) {}

void TokenCounter::add(const Batch& batch, const Routing& routing) {
  const auto V = static_cast<int64_t>(vocabulary_.size());
  const int64_t S = batch.inputs.size(1);
  const auto symbol_T = numbers_of(batch.inputs.reshape(-1));
  const auto counted_T =
      routing.mask_T.defined() ? numbers_of(routing.mask_T) : std::vector<int64_t>(symbol_T.size(), 1);
  for (size_t t = 0; t < symbol_T.size(); ++t) token_V_[static_cast<size_t>(symbol_T[t])] += counted_T[t];
  const auto token_N = numbers_of(routing.plan.token_N), expert_N = numbers_of(routing.plan.expert_N);
  for (size_t n = 0; n < token_N.size(); ++n) {
    const int64_t t = token_N[n], s = t % S, cell = expert_N[n] * V + symbol_T[static_cast<size_t>(t)];
    if (count_EV_[static_cast<size_t>(cell)]++ > 0) continue;
    const auto token = symbol_T.begin() + t;
    places_[cell] = {{token - std::min(s, kBefore), token}, {token + 1, token + 1 + std::min(S - 1 - s, kAfter)}};
  }
}

std::string TokenCounter::text_of(const std::vector<int64_t>& ids) const {
  std::string text;
  for (const int64_t id : ids) {
    if (has_words_ && !text.empty()) text += ' ';
    text += shown(vocabulary_[static_cast<size_t>(id)]);
  }
  return text;
}

std::vector<std::vector<TopToken>> TokenCounter::top() const {
  const auto V = static_cast<int64_t>(vocabulary_.size());
  std::vector<std::vector<TopToken>> all;
  for (int64_t e = 0; e < num_experts_; ++e) {
    const auto count = [&](int64_t x) { return count_EV_[static_cast<size_t>(e * V + x)]; };
    const auto tokens = [&](int64_t x) { return token_V_[static_cast<size_t>(x)]; };
    std::vector<int64_t> order;
    for (int64_t x = 0; x < V; ++x) {
      if (tokens(x) >= kFewestTokens && count(x) > 0) order.push_back(x);
    }
    // count(a) / tokens(a) > count(b) / tokens(b), in whole numbers
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      const int64_t left = count(a) * tokens(b), right = count(b) * tokens(a);
      return left != right ? left > right : tokens(a) > tokens(b);
    });
    order.resize(std::min(order.size(), static_cast<size_t>(kMost)));
    auto& list = all.emplace_back();
    for (const int64_t x : order) {
      const Place& place = places_.at(e * V + x);
      const std::string& symbol = vocabulary_[static_cast<size_t>(x)];
      list.push_back({symbol == " "    ? "space"
                      : symbol == "\n" ? "newline"
                                       : printable(symbol),
                      count(x), tokens(x), text_of(place.before), text_of({x}), text_of(place.after)});
    }
  }
  return all;
}

std::vector<int64_t> TokenCounter::by_frequency() const {
  std::vector<int64_t> order;
  for (size_t x = 0; x < token_V_.size(); ++x) {
    if (token_V_[x] > 0) order.push_back(static_cast<int64_t>(x));
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return token_V_[static_cast<size_t>(a)] > token_V_[static_cast<size_t>(b)];
  });
  return order;
}

GroupCounts TokenCounter::frequency_deciles() const {
  GroupCounts groups{"frequency_decile", {}, {}, {}};
  const auto order = by_frequency();
  const auto num_symbols = static_cast<int64_t>(order.size());
  if (num_symbols < kDeciles) return groups;
  for (int64_t d = 1; d <= kDeciles; ++d)
    groups.labels.push_back(std::to_string(d) + (d == 1 ? " (most frequent)" : d == kDeciles ? " (rarest)" : ""));
  groups.token_G.assign(kDeciles, 0);
  groups.count_EG.assign(static_cast<size_t>(num_experts_ * kDeciles), 0);
  const size_t V = token_V_.size();
  for (int64_t i = 0; i < num_symbols; ++i) {
    const auto decile = static_cast<size_t>(i * kDeciles / num_symbols);
    const auto x = static_cast<size_t>(order[static_cast<size_t>(i)]);
    groups.token_G[decile] += token_V_[x];
    for (size_t e = 0; e < static_cast<size_t>(num_experts_); ++e)
      groups.count_EG[e * static_cast<size_t>(kDeciles) + decile] += count_EV_[e * V + x];
  }
  return groups;
}

}  // namespace heterodyne
