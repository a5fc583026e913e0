#include "heterodyne/eval/log_likelihood.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

// Of each of `wanted`, which are predicted by the last positions of `inputs`: its log-probability, and whether it is
// the most probable symbol.
struct Predicted {
  torch::Tensor log_probability_N, is_best_N;
};

Predicted predict(Network& network, const std::vector<int64_t>& inputs, const std::vector<int64_t>& wanted) {
  const torch::NoGradGuard no_grad;
  Batch batch;
  batch.inputs = torch::tensor(inputs, torch::kInt64).unsqueeze(0);
  const auto count = static_cast<int64_t>(wanted.size());
  const auto logit_SV = network.forward(batch, nullptr).logit_BY[0];
  const auto logit_NV = logit_SV.narrow(0, logit_SV.size(0) - count, count).to(torch::kFloat64);
  const auto wanted_N = torch::tensor(wanted, torch::kInt64);
  return {logit_NV.log_softmax(-1).gather(1, wanted_N.unsqueeze(1)).squeeze(1), logit_NV.argmax(-1).eq(wanted_N)};
}

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

Likelihood likelihood_of(Network& network, const ContinuedText& text, int64_t most) {
  const auto limit = static_cast<size_t>(most);
  const size_t count = text.continuation.size();
  if (count > limit)
    throw Error("likelihood", fmt::format("expected a continuation of at most {} symbols, got {}", most, count));
  std::vector<int64_t> whole = text.context;
  whole.insert(whole.end(), text.continuation.begin(), text.continuation.end());
  Likelihood likelihood;
  likelihood.is_cut = whole.size() > limit + 1;
  const size_t begin = likelihood.is_cut ? whole.size() - limit - 1 : 0;
  const auto predicted = predict(network, part(whole, begin, whole.size() - 1), text.continuation);
  likelihood.log_likelihood = predicted.log_probability_N.sum().item<double>();
  likelihood.is_greedy = predicted.is_best_N.all().item<bool>();
  return likelihood;
}

double rolling_log_likelihood(Network& network, const std::vector<int64_t>& ids, int64_t prefix, int64_t most) {
  const auto limit = static_cast<size_t>(most);
  std::vector<int64_t> whole{prefix};  // id i of the text is whole[i + 1]
  whole.insert(whole.end(), ids.begin(), ids.end());
  double sum = 0;
  for (size_t done = 0; done < ids.size();) {
    const size_t count = std::min(ids.size() - done, limit), end = done + count;
    const size_t begin = end > limit ? end - limit : 0;
    const auto predicted = predict(network, part(whole, begin, end), part(whole, done + 1, end + 1));
    sum += predicted.log_probability_N.sum().item<double>();
    done = end;
  }
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
