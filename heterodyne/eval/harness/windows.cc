#include "heterodyne/eval/harness/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "heterodyne/base/error.h"

namespace heterodyne {
namespace {

// Windows whose inputs are equal.
struct Inputs {
  const std::vector<int64_t>* ids = nullptr;
  std::vector<size_t> places;

  int64_t length() const { return static_cast<int64_t>(ids->size()); }
};

// Longest first; of equal lengths in the order of the list.
std::vector<Inputs> by_length(const std::vector<TextWindow>& windows) {
  std::vector<Inputs> all;
  std::map<std::vector<int64_t>, size_t> known;
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto& [inputs, wanted] = windows[i];
    if (wanted.empty() || wanted.size() > inputs.size())
      throw Error("windows", fmt::format("wanted: expected 1 .. {} symbols, got {}", inputs.size(), wanted.size()));
    const auto [found, is_new] = known.try_emplace(inputs, all.size());
    if (is_new) all.push_back({&windows[i].inputs, {}});
    all[found->second].places.push_back(i);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.ids->size() > b.ids->size(); });
  return all;
}

// logit [B, S, V] of inputs first .. first + B.
torch::Tensor logits_of(Network& network, const std::vector<Inputs>& all, size_t first, size_t end) {
  const auto B = static_cast<int64_t>(end - first);
  const int64_t S = all[first].length();
  Batch batch;
  batch.inputs = torch::zeros({B, S}, torch::kInt64);
  auto mask_BS = torch::ones({B, S}, torch::kBool);
  int64_t* at = batch.inputs.data_ptr<int64_t>();
  for (int64_t b = 0; b < B; ++b) {
    const auto& input = all[first + static_cast<size_t>(b)];
    std::copy(input.ids->begin(), input.ids->end(), at + b * S);
    if (input.length() == S) continue;
    mask_BS[b].narrow(0, input.length(), S - input.length()).fill_(false);
    batch.mask_BS = mask_BS;
  }
  return network.forward(batch, nullptr).logit_BY;
}

WindowScore score_of(const torch::Tensor& logit_SV, int64_t length, const std::vector<int64_t>& wanted) {
  const auto count = static_cast<int64_t>(wanted.size());
  const auto logit_NV = logit_SV.narrow(0, length - count, count).to(torch::kFloat64);
  const auto wanted_N = torch::tensor(wanted, torch::kInt64);
  const auto log_probability_N = logit_NV.log_softmax(-1).gather(1, wanted_N.unsqueeze(1));
  return {log_probability_N.sum().item<double>(), logit_NV.argmax(-1).eq(wanted_N).all().item<bool>()};
}

}  // namespace

bool score_windows(Network& network, const std::vector<TextWindow>& windows, const ScoringOptions& options) {
  const torch::NoGradGuard no_grad;
  const auto all = by_length(windows);
  const bool may_pad = network.is_causal();
  size_t num_done = 0;
  for (size_t first = 0; first < all.size();) {
    const int64_t S = all[first].length();
    const auto most = static_cast<size_t>(std::max<int64_t>(1, options.tokens / S));
    size_t end = first + 1;
    while (end < all.size() && end - first < most && (may_pad || all[end].length() == S)) ++end;
    const auto logit_BSV = logits_of(network, all, first, end);
    for (size_t i = first; i < end; ++i) {
      for (const size_t place : all[i].places) {
        const auto logit_SV = logit_BSV[static_cast<int64_t>(i - first)];
        const auto score = score_of(logit_SV, all[i].length(), windows[place].wanted);
        if (options.on_score) options.on_score(place, score);
        ++num_done;
      }
    }
    first = end;
    if (options.on_batch && !options.on_batch(num_done)) return first >= all.size();
  }
  return true;
}

WindowScore score_window(Network& network, const TextWindow& window) {
  WindowScore score;
  ScoringOptions options;
  options.on_score = [&](size_t, const WindowScore& found) { score = found; };
  score_windows(network, {window}, options);
  return score;
}

}  // namespace heterodyne
