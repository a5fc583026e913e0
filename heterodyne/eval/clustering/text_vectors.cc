#include "heterodyne/eval/clustering/text_vectors.h"

#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "heterodyne/base/error.h"
#include "heterodyne/base/random.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/data/tokens/unicode.h"

namespace heterodyne {
namespace {

constexpr size_t kMostWords = 8192;
constexpr int64_t kSpareDirections = 8;
constexpr int kPowerIterations = 4;
constexpr int64_t kTextsAtOnce = 16;

torch::Tensor unit_rows(const torch::Tensor& row_ND) { return row_ND / row_ND.norm(2, -1, true).clamp_min(1e-12); }

// In how many texts each word is.
std::map<std::string, int64_t> spread_of_words(const std::vector<std::vector<std::string>>& words_N) {
  std::map<std::string, int64_t> spread;
  for (const auto& words : words_N) {
    for (const auto& word : std::set<std::string>(words.begin(), words.end())) ++spread[word];
  }
  return spread;
}

std::vector<std::string> words_that_count(const std::map<std::string, int64_t>& spread, int64_t num_texts) {
  std::vector<std::pair<int64_t, std::string>> all;
  for (const auto& [word, texts] : spread) {
    if (texts >= 2 && 2 * texts <= num_texts) all.emplace_back(-texts, word);
  }
  std::sort(all.begin(), all.end());
  if (all.size() > kMostWords) all.resize(kMostWords);
  std::vector<std::string> words;
  for (auto& [negative, word] : all) words.push_back(std::move(word));
  std::sort(words.begin(), words.end());
  return words;
}

// X [N, V] times right [V, R].
torch::Tensor times(const WeightedWords& words, const torch::Tensor& right_VR) {
  const int64_t R = right_VR.size(1);
  auto product_NR = torch::zeros({static_cast<int64_t>(words.entry_N.size()), R}, torch::kFloat64);
  auto* to = product_NR.data_ptr<double>();
  const auto* from = right_VR.const_data_ptr<double>();
  for (const auto& entries : words.entry_N) {
    for (const auto& [word, weight] : entries) {
      for (int64_t r = 0; r < R; ++r) to[r] += weight * from[word * R + r];
    }
    to += R;
  }
  return product_NR;
}

// The transpose of X times right [N, R].
torch::Tensor transposed_times(const WeightedWords& words, const torch::Tensor& right_NR) {
  const int64_t R = right_NR.size(1);
  auto product_VR = torch::zeros({static_cast<int64_t>(words.words.size()), R}, torch::kFloat64);
  auto* to = product_VR.data_ptr<double>();
  const auto* from = right_NR.const_data_ptr<double>();
  for (const auto& entries : words.entry_N) {
    for (const auto& [word, weight] : entries) {
      for (int64_t r = 0; r < R; ++r) to[word * R + r] += weight * from[r];
    }
    from += R;
  }
  return product_VR;
}

torch::Tensor orthonormal(const torch::Tensor& matrix) {
  return std::get<0>(at::linalg_qr(matrix, "reduced")).contiguous();
}

// Features of some texts, whose ids are padded to the longest.
torch::Tensor encoded(Network& encoder, const std::vector<std::vector<int64_t>>& ids_B) {
  const auto B = static_cast<int64_t>(ids_B.size());
  size_t longest = 0;
  for (const auto& ids : ids_B) longest = std::max(longest, ids.size());
  Batch batch;
  batch.inputs = torch::zeros({B, static_cast<int64_t>(longest)}, torch::kInt64);
  batch.mask_BS = torch::zeros({B, static_cast<int64_t>(longest)}, torch::kBool);
  for (int64_t b = 0; b < B; ++b) {
    const auto& ids = ids_B[static_cast<size_t>(b)];
    batch.inputs[b].narrow(0, 0, static_cast<int64_t>(ids.size())).copy_(torch::tensor(ids, torch::kInt64));
    batch.mask_BS[b].narrow(0, 0, static_cast<int64_t>(ids.size())).fill_(true);
  }
  const auto answer = encoder.forward(batch, nullptr).logit_BY.to(torch::kFloat64);
  if (answer.dim() == 2 && answer.size(0) == B) return answer;
  if (answer.dim() != 3 || answer.size(0) != B)
    throw Error("text_vectors", "encoder: expected features of tokens or of texts, got " + shape_text(answer));
  const auto seen_BS1 = batch.mask_BS.to(torch::kFloat64).unsqueeze(2);
  return (answer * seen_BS1).sum(1) / seen_BS1.sum(1).clamp_min(1);
}

}  // namespace

std::vector<std::string> words_of(const std::string& text) {
  const std::string small = tokens::lowercased(text);
  std::vector<std::string> words;
  std::string word;
  size_t characters = 0;
  const auto end_word = [&] {
    if (characters >= 2) words.push_back(word);
    word.clear();
    characters = 0;
  };
  for (size_t at = 0; at < small.size();) {
    const char32_t character = tokens::next_character(small, at);
    if (!tokens::is_word_character(character)) {
      end_word();
      continue;
    }
    tokens::append_character(word, character);
    ++characters;
  }
  end_word();
  return words;
}

WeightedWords weighted_words(const std::vector<std::string>& texts) {
  std::vector<std::vector<std::string>> words_N;
  for (const auto& text : texts) words_N.push_back(words_of(text));
  const auto spread = spread_of_words(words_N);
  const auto num_texts = static_cast<int64_t>(texts.size());
  WeightedWords found{words_that_count(spread, num_texts), {}};
  std::map<std::string, int64_t> place;
  for (size_t v = 0; v < found.words.size(); ++v) place[found.words[v]] = static_cast<int64_t>(v);
  for (const auto& words : words_N) {
    std::map<int64_t, int64_t> count;
    for (const auto& word : words) {
      const auto known = place.find(word);
      if (known != place.end()) ++count[known->second];
    }
    std::vector<WeightedWords::Entry> entries;
    double squares = 0;
    for (const auto& [word, times_here] : count) {
      const auto texts_with = static_cast<double>(spread.at(found.words[static_cast<size_t>(word)]));
      const double rarity = 1 + std::log((1 + static_cast<double>(num_texts)) / (1 + texts_with));
      entries.push_back({word, (1 + std::log(static_cast<double>(times_here))) * rarity});
      squares += entries.back().weight * entries.back().weight;
    }
    for (auto& entry : entries) entry.weight /= std::sqrt(squares);
    found.entry_N.push_back(std::move(entries));
  }
  return found;
}

torch::Tensor word_vectors(const WeightedWords& words, int64_t width, uint64_t seed) {
  const auto N = static_cast<int64_t>(words.entry_N.size()), V = static_cast<int64_t>(words.words.size());
  if (V == 0) throw Error("text_vectors", "expected words that at least two texts have and not more than half of them");
  const int64_t R = std::min({width + kSpareDirections, N, V});
  auto basis_NR = orthonormal(
      times(words, RandomStream("text_vectors").normal({seed, 0}, {V, R}).to(torch::kFloat64).contiguous()));
  for (int i = 0; i < kPowerIterations; ++i) {
    basis_NR = orthonormal(times(words, orthonormal(transposed_times(words, basis_NR))));
  }
  const auto [left_RR, value_R, right_RV] =
      at::linalg_svd(transposed_times(words, basis_NR).t().contiguous(), /*full_matrices=*/false);
  const auto row_NR = torch::matmul(basis_NR, left_RR) * value_R;
  return unit_rows(row_NR.narrow(1, 0, std::min(width, R)));
}

torch::Tensor encoder_vectors(Network& encoder, const Tokenizer& tokenizer, int64_t most,
                              const std::vector<std::string>& texts) {
  const torch::NoGradGuard no_grad;
  encoder.eval();
  std::vector<std::vector<int64_t>> ids_N;
  for (size_t n = 0; n < texts.size(); ++n) {
    auto ids = tokenizer.encode(texts[n], fmt::format("text {}", n));
    const size_t around = tokenizer.framed(std::vector<int64_t>{}).ids.size();
    ids.resize(std::min(ids.size(), static_cast<size_t>(most) - std::min(static_cast<size_t>(most), around)));
    ids_N.push_back(tokenizer.framed(ids).ids);
  }
  // Texts of about equal length together.
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return ids_N[a].size() < ids_N[b].size(); });
  std::vector<torch::Tensor> row_N(texts.size());
  for (size_t begin = 0; begin < order.size(); begin += kTextsAtOnce) {
    const size_t end = std::min(order.size(), begin + kTextsAtOnce);
    std::vector<std::vector<int64_t>> ids_B;
    for (size_t i = begin; i < end; ++i) ids_B.push_back(ids_N[order[i]]);
    const auto answer_BD = encoded(encoder, ids_B);
    for (size_t i = begin; i < end; ++i) row_N[order[i]] = answer_BD[static_cast<int64_t>(i - begin)];
  }
  return unit_rows(torch::stack(row_N));
}

std::vector<std::vector<std::string>> typical_words(const WeightedWords& words, const torch::Tensor& cluster_N,
                                                    size_t count) {
  const auto N = static_cast<int64_t>(words.entry_N.size());
  const int64_t K = cluster_N.max().item<int64_t>() + 1;
  const auto member_NK = torch::one_hot(cluster_N, K).to(torch::kFloat64).contiguous();
  const auto sum_VK = transposed_times(words, member_NK);
  const auto above_VK = sum_VK / member_NK.sum(0).clamp_min(1) - sum_VK.sum(1, true) / static_cast<double>(N);
  std::vector<std::vector<std::string>> typical;
  for (int64_t k = 0; k < K; ++k) {
    const auto above_V = above_VK.select(1, k);
    const auto best = above_V.argsort(/*stable=*/true, 0, /*descending=*/true);
    std::vector<std::string> of_cluster;
    for (int64_t i = 0; i < best.size(0) && of_cluster.size() < count; ++i) {
      const int64_t word = best[i].item<int64_t>();
      if (above_V[word].item<double>() <= 0) break;
      of_cluster.push_back(words.words[static_cast<size_t>(word)]);
    }
    typical.push_back(std::move(of_cluster));
  }
  return typical;
}

}  // namespace heterodyne
