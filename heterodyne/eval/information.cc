#include "heterodyne/eval/information.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace heterodyne {
namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double sum_of(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

int64_t num_positive(const std::vector<double>& values) {
  return std::count_if(values.begin(), values.end(), [](double value) { return value > 0; });
}

// Of the distribution that is proportional to these weights.
double entropy_of(const std::vector<double>& weights) {
  const double sum = sum_of(weights);
  double entropy = 0;
  for (const double weight : weights) {
    if (weight > 0) entropy -= weight / sum * std::log(weight / sum);
  }
  return std::max(entropy, 0.0);
}

// Jensen-Shannon divergence of distributions that weigh the same.
double divergence_of(const std::vector<std::vector<double>>& distributions) {
  if (distributions.empty()) return 0;
  std::vector<double> mean(distributions[0].size());
  double entropies = 0;
  for (const auto& distribution : distributions) {
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += distribution[i];
    entropies += entropy_of(distribution);
  }
  return std::max(entropy_of(mean) - entropies / static_cast<double>(distributions.size()), 0.0);
}

// P(e | y) of one class.
std::vector<double> distribution_of(const Contingency& table, const std::vector<double>& share_EY, int64_t y) {
  std::vector<double> distribution;
  for (int64_t e = 0; e < table.num_experts; ++e) distribution.push_back(share_EY[table.index(e, y)]);
  return distribution;
}

// `values` sorted.
double quantile(const std::vector<double>& values, double share) {
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], place - static_cast<double>(below));
}

std::vector<double> of_each_pair(const PairCounts& pairs, const std::function<double(double, double, double)>& value) {
  const auto E = static_cast<size_t>(pairs.num_experts);
  const auto count = [&](size_t i, size_t j) { return static_cast<double>(pairs.pair_EE[i * E + j]); };
  std::vector<double> values_EE;
  for (size_t i = 0; i < E; ++i) {
    for (size_t j = 0; j < E; ++j) values_EE.push_back(value(count(i, j), count(i, i), count(j, j)));
  }
  return values_EE;
}

}  // namespace

std::vector<double> Contingency::expert_sums() const {
  std::vector<double> sums(static_cast<size_t>(num_experts));
  for (size_t i = 0; i < count_EY.size(); ++i)
    sums[i / static_cast<size_t>(num_classes)] += static_cast<double>(count_EY[i]);
  return sums;
}

std::vector<double> Contingency::class_sums() const {
  std::vector<double> sums(static_cast<size_t>(num_classes));
  for (size_t i = 0; i < count_EY.size(); ++i)
    sums[i % static_cast<size_t>(num_classes)] += static_cast<double>(count_EY[i]);
  return sums;
}

std::vector<double> expert_given_class(const Contingency& table) {
  const auto sum_Y = table.class_sums();
  std::vector<double> share_EY;
  for (const int64_t count : table.count_EY)
    share_EY.push_back(ratio(static_cast<double>(count), sum_Y[share_EY.size() % sum_Y.size()]));
  return share_EY;
}

std::vector<double> class_given_expert(const Contingency& table) {
  const auto sum_E = table.expert_sums();
  std::vector<double> share_EY;
  for (const int64_t count : table.count_EY)
    share_EY.push_back(
        ratio(static_cast<double>(count), sum_E[share_EY.size() / static_cast<size_t>(table.num_classes)]));
  return share_EY;
}

double Information::normalize(double nats) const { return ratio(2 * nats, expert_entropy + class_entropy); }

double Information::share_of_smaller() const { return ratio(mutual, std::min(expert_entropy, class_entropy)); }

Information information_of(const Contingency& table) {
  const auto sum_E = table.expert_sums(), sum_Y = table.class_sums();
  const double total = sum_of(sum_E);
  Information information{0, entropy_of(sum_E), entropy_of(sum_Y), 0};
  if (total == 0) return information;
  for (int64_t e = 0; e < table.num_experts; ++e) {
    for (int64_t y = 0; y < table.num_classes; ++y) {
      const double count = table.count(e, y);
      if (count == 0) continue;
      const double independent = sum_E[static_cast<size_t>(e)] * sum_Y[static_cast<size_t>(y)];
      information.mutual += count / total * std::log(count * total / independent);
    }
  }
  information.mutual = std::max(information.mutual, 0.0);
  information.bias = static_cast<double>((num_positive(sum_E) - 1) * (num_positive(sum_Y) - 1)) / (2 * total);
  return information;
}

std::vector<Specialisation> specialisations(const Contingency& table) {
  const auto share_EY = class_given_expert(table);
  const auto num_classes = static_cast<double>(num_positive(table.class_sums()));
  std::vector<Specialisation> all(static_cast<size_t>(table.num_experts));
  for (int64_t e = 0; e < table.num_experts; ++e) {
    const auto begin = share_EY.begin() + e * table.num_classes;
    const std::vector<double> share_Y(begin, begin + table.num_classes);
    const auto top = std::max_element(share_Y.begin(), share_Y.end());
    if (top == share_Y.end() || *top == 0) continue;
    const double focus = num_classes > 1 ? 1 - entropy_of(share_Y) / std::log(num_classes) : 0;
    all[static_cast<size_t>(e)] = {*top, std::max(focus, 0.0), top - share_Y.begin()};
  }
  return all;
}

double class_divergence(const Contingency& table) {
  const auto sum_Y = table.class_sums();
  const auto share_EY = expert_given_class(table);
  std::vector<std::vector<double>> distributions;
  for (int64_t y = 0; y < table.num_classes; ++y) {
    if (sum_Y[static_cast<size_t>(y)] > 0) distributions.push_back(distribution_of(table, share_EY, y));
  }
  return divergence_of(distributions);
}

std::vector<double> class_divergences(const Contingency& table) {
  const auto sum_Y = table.class_sums();
  const auto share_EY = expert_given_class(table);
  const auto Y = static_cast<size_t>(table.num_classes);
  std::vector<double> divergence_YY(Y * Y);
  for (size_t a = 0; a < Y; ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (sum_Y[a] == 0 || sum_Y[b] == 0) continue;
      const double divergence = divergence_of({distribution_of(table, share_EY, static_cast<int64_t>(a)),
                                               distribution_of(table, share_EY, static_cast<int64_t>(b))});
      divergence_YY[a * Y + b] = divergence_YY[b * Y + a] = divergence;
    }
  }
  return divergence_YY;
}

bool ChanceBand::is_exceeded_by(double value) const { return value > high + 1e-12; }

std::optional<ChanceBand> chance_band(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return ChanceBand{quantile(values, 0.025), quantile(values, 0.975),
                    sum_of(values) / static_cast<double>(values.size())};
}

std::vector<int64_t> classes_above_chance(const Contingency& table, int64_t e, const ChanceBand& chance) {
  const auto sum_Y = table.class_sums();
  const double fair = ratio(table.expert_sums()[static_cast<size_t>(e)], sum_of(sum_Y));
  const double design_effect = ratio(chance.mean, information_of(table).bias);
  const auto share_EY = expert_given_class(table);
  const auto excess = [&](int64_t y) { return share_EY[table.index(e, y)] - fair; };
  std::vector<int64_t> classes;
  for (int64_t y = 0; y < table.num_classes; ++y) {
    const double variance = ratio(design_effect * fair * (1 - fair), sum_Y[static_cast<size_t>(y)]);
    if (variance > 0 && excess(y) > 1.96 * std::sqrt(variance)) classes.push_back(y);
  }
  std::stable_sort(classes.begin(), classes.end(), [&](int64_t a, int64_t b) { return excess(a) > excess(b); });
  return classes;
}

std::vector<double> co_activation(const PairCounts& pairs) {
  return of_each_pair(pairs, [](double both, double one, double) { return ratio(both, one); });
}

std::vector<double> co_activation_lift(const PairCounts& pairs, int64_t num_tokens) {
  const auto N = static_cast<double>(num_tokens);
  return of_each_pair(pairs, [N](double both, double one, double other) { return ratio(both * N, one * other); });
}

std::vector<double> token_overlap(const PairCounts& pairs) {
  return of_each_pair(pairs, [](double both, double one, double other) { return ratio(both, one + other - both); });
}

}  // namespace heterodyne
