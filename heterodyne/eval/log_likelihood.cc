#include "heterodyne/eval/log_likelihood.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

std::vector<int64_t> part(const std::vector<int64_t>& ids, size_t begin, size_t end) {
  return {ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace

ContinuedText continued_text(const Tokenizer& tokenizer, const std::string& context, const std::string& continuation,
                             const std::string& where) {
  const size_t last = context.find_last_not_of(" \t\n\v\f\r");
  const size_t kept = last == std::string::npos ? 0 : last + 1;
  const std::string before = context.substr(0, kept), after = context.substr(kept) + continuation;
  auto ids = tokenizer.framed(tokenizer.encode(before + after, where)).ids;
  ContinuedText text{tokenizer.framed(tokenizer.encode(before, where)).ids, {}};
  const size_t split = std::min(text.context.size(), ids.size());
  text.continuation = part(ids, split, ids.size());
  if (text.context.empty() || text.continuation.empty())
    throw FormatError(where, "expected a context and a continuation of at least one symbol each, got none");
  return text;
}

TextWindow window_of(const ContinuedText& text, int64_t most, bool* is_cut) {
  const auto limit = static_cast<size_t>(most);
  const size_t count = text.continuation.size();
  if (count > limit)
    throw Error("likelihood", fmt::format("expected a continuation of at most {} symbols, got {}", most, count));
  std::vector<int64_t> whole = text.context;
  whole.insert(whole.end(), text.continuation.begin(), text.continuation.end());
  const bool is_longer = whole.size() > limit + 1;
  if (is_cut) *is_cut = is_longer;
  return {part(whole, is_longer ? whole.size() - limit - 1 : 0, whole.size() - 1), text.continuation};
}

std::vector<TextWindow> rolling_windows(const std::vector<int64_t>& ids, int64_t prefix, int64_t most) {
  const auto limit = static_cast<size_t>(most);
  std::vector<int64_t> whole{prefix};  // id i of the text is whole[i + 1]
  whole.insert(whole.end(), ids.begin(), ids.end());
  std::vector<TextWindow> windows;
  for (size_t done = 0; done < ids.size();) {
    const size_t end = done + std::min(ids.size() - done, limit);
    windows.push_back({part(whole, end > limit ? end - limit : 0, end), part(whole, done + 1, end + 1)});
    done = end;
  }
  return windows;
}

Likelihood likelihood_of(Network& network, const ContinuedText& text, int64_t most) {
  Likelihood likelihood;
  const WindowScore score = score_window(network, window_of(text, most, &likelihood.is_cut));
  likelihood.log_likelihood = score.log_likelihood;
  likelihood.is_greedy = score.is_greedy;
  return likelihood;
}

double rolling_log_likelihood(Network& network, const std::vector<int64_t>& ids, int64_t prefix, int64_t most) {
  double sum = 0;
  for (const auto& window : rolling_windows(ids, prefix, most)) sum += score_window(network, window).log_likelihood;
  return sum;
}

BestChoice best_choice(const std::vector<double>& log_likelihoods, const std::vector<std::string>& choices) {
  const auto best = [&](const auto& length) {
    size_t found = 0;
    double highest = 0;
    for (size_t i = 0; i < log_likelihoods.size(); ++i) {
      const double value = log_likelihoods[i] / length(choices[i]);
      if (i > 0 && !(value > highest)) continue;
      highest = value;
      found = i;
    }
    return found;
  };
  return {best([](const std::string&) { return 1.0; }),
          best([](const std::string& text) { return static_cast<double>(columns_of(text)); }),
          best([](const std::string& text) { return static_cast<double>(text.size()); })};
}

}  // namespace heterodyne
