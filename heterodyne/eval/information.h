// Information: how much an example's class says about the experts its tokens get, from counts alone.
//
// Values are in nats. What a formula leaves open is 0: logarithms of shares that are 0, and every value of a table
// without counts, with one expert or with one class. So nothing here is NaN or infinite.
//
// Letters: E experts, Y classes (or any other groups of tokens), c_ey assignments, A their sum, p_ey = c_ey / A,
//          p_e and p_y sums of its rows and columns, H entropy. Matrices are row-major: count_EY[e * Y + y].
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace heterodyne {

struct Contingency {
  int64_t num_experts = 0;  // E
  int64_t num_classes = 0;  // Y
  std::vector<int64_t> count_EY;

  double count(int64_t e, int64_t y) const { return static_cast<double>(count_EY[index(e, y)]); }
  size_t index(int64_t e, int64_t y) const { return static_cast<size_t>(e * num_classes + y); }
  std::vector<double> expert_sums() const;
  std::vector<double> class_sums() const;
};

/// P(e | y): each class's assignments spread over the experts. 0 in classes without any.
std::vector<double> expert_given_class(const Contingency& table);
/// P(y | e): each expert's assignments spread over the classes. 0 for experts without any.
std::vector<double> class_given_expert(const Contingency& table);

/// What classes and experts say about one another.
struct Information {
  double mutual = 0;          // I(E; Y) = sum p_ey ln(p_ey / (p_e p_y)), never below 0
  double expert_entropy = 0;  // H_E
  double class_entropy = 0;   // H_Y
  double bias = 0;            // what counts of independent draws show beyond the truth; see corrected()

  /// 2 I / (H_E + H_Y), 0 .. 1.
  double normalized() const { return normalize(mutual); }
  /// I / min(H_E, H_Y), 0 .. 1.
  double share_of_smaller() const;
  /// I - (E' - 1)(Y' - 1) / (2 A), where E' experts and Y' classes have counts (Miller and Madow 1955). May be below 0.
  double corrected() const { return mutual - bias; }
  /// Another value of I on the scale of normalized(), such as one of shuffled labels.
  double normalize(double nats) const;
};

Information information_of(const Contingency& table);

/// How one expert's assignments lie in the classes.
struct Specialisation {
  double purity = 0;  // max_y P(y | e)
  double focus = 0;   // 1 - H(Y | e) / ln Y', with Y' classes that have counts: 0 evenly in all, 1 in a single one
  int64_t top = -1;   // the class of `purity`, the first of equals; -1 without assignments
};

std::vector<Specialisation> specialisations(const Contingency& table);

/// Jensen-Shannon divergence between the distributions P(e | y) of all classes that have counts, each weighing the
/// same: H(mean of P(. | y)) - mean of H(P(. | y)), 0 .. ln Y'. Weighted by p_y it would be I(E; Y).
double class_divergence(const Contingency& table);
/// The same of each two classes, [Y, Y], 0 .. ln 2; 0 where one of the two has no counts.
std::vector<double> class_divergences(const Contingency& table);

/// What values a number takes by chance: here I(E; Y) after labels were dealt out anew.
struct ChanceBand {
  double low = 0;   // 2.5 % of the values lie below,
  double high = 0;  // 2.5 % above; between neighbours interpolated
  double mean = 0;

  /// The value lies above the band, by more than rounding. Otherwise it is not distinguishable from chance.
  bool is_exceeded_by(double value) const;
};

/// Nothing without values.
std::optional<ChanceBand> chance_band(std::vector<double> values);

/// The classes that expert `e` gets more often than chance explains, the largest P(e | y) - P(e) first: those where it
/// exceeds 1.96 standard errors sqrt(d P(e) (1 - P(e)) / c_y), c_y the class's assignments. d is how much more
/// shuffled labels vary than independent assignments would, since tokens of an example go similar ways: the mean of
/// `chance` by information_of(table).bias (a design effect: Rao and Scott 1981).
std::vector<int64_t> classes_above_chance(const Contingency& table, int64_t e, const ChanceBand& chance);

/// Tokens by the pairs of experts they got, [E, E]: N_ij that got both i and j, on the diagonal N_i that got i.
struct PairCounts {
  int64_t num_experts = 0;
  std::vector<int64_t> pair_EE;
};

/// N_ij / N_i: of the tokens of i (row), the share that also got j. 0 for experts without tokens.
std::vector<double> co_activation(const PairCounts& pairs);
/// N_ij N / (N_i N_j) of N tokens: 1 is as often as independent choices would meet. 0 for experts without tokens.
std::vector<double> co_activation_lift(const PairCounts& pairs, int64_t num_tokens);
/// Jaccard overlap of the experts' sets of tokens, N_ij / (N_i + N_j - N_ij). 0 for experts without tokens.
std::vector<double> token_overlap(const PairCounts& pairs);

}  // namespace heterodyne
