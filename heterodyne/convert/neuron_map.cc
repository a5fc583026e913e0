#include "heterodyne/convert/neuron_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "heterodyne/base/error.h"
#include "heterodyne/base/printable.h"

namespace heterodyne {
namespace {

std::vector<int64_t> parse_line(std::string_view line, int64_t num_experts, const std::string& place) {
  std::vector<int64_t> experts;
  while (!line.empty()) {
    const size_t comma = std::min(line.find(','), line.size());
    const std::string_view word = line.substr(0, comma);
    int64_t expert = -1;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), expert);
    if (error != std::errc() || end != word.data() + word.size() || expert < 0 || expert >= num_experts) {
      throw FormatError(fmt::format("{}: expected numbers of experts 0 .. {}, got \"{}\"", place, num_experts - 1,
                                    printable(std::string(word))));
    }
    experts.push_back(expert);
    line.remove_prefix(std::min(comma + 1, line.size()));
  }
  std::sort(experts.begin(), experts.end());
  if (std::adjacent_find(experts.begin(), experts.end()) != experts.end())
    throw FormatError(fmt::format("{}: expected each expert once, got one twice", place));
  return experts;
}

std::string line_of(const std::vector<int64_t>& experts) {
  std::string line;
  for (const int64_t expert : experts) line += (line.empty() ? "" : ",") + std::to_string(expert);
  return line + "\n";
}

}  // namespace

bool NeuronMap::is_partition() const {
  return std::all_of(experts_F.begin(), experts_F.end(), [](const auto& experts) { return experts.size() == 1; });
}

std::vector<int64_t> NeuronMap::sizes() const {
  std::vector<int64_t> size_E(static_cast<size_t>(num_experts), 0);
  for (const auto& experts : experts_F) {
    for (const int64_t e : experts) ++size_E[static_cast<size_t>(e)];
  }
  return size_E;
}

std::vector<int64_t> NeuronMap::neurons_of(int64_t expert) const {
  std::vector<int64_t> neurons;
  for (size_t n = 0; n < experts_F.size(); ++n) {
    if (std::binary_search(experts_F[n].begin(), experts_F[n].end(), expert))
      neurons.push_back(static_cast<int64_t>(n));
  }
  return neurons;
}

std::vector<int64_t> NeuronMap::common() const {
  std::vector<int64_t> neurons;
  for (size_t n = 0; n < experts_F.size() && num_experts > 1; ++n) {
    if (static_cast<int64_t>(experts_F[n].size()) == num_experts) neurons.push_back(static_cast<int64_t>(n));
  }
  return neurons;
}

int64_t NeuronMap::num_left_out() const {
  return std::count_if(experts_F.begin(), experts_F.end(), [](const auto& experts) { return experts.empty(); });
}

NeuronMap partition_of(const std::vector<int64_t>& expert_F, int64_t num_experts) {
  NeuronMap map{num_experts, {}};
  for (const int64_t expert : expert_F) map.experts_F.push_back({expert});
  return map;
}

std::string text_of(const NeuronMap& map) {
  std::string text;
  for (const auto& experts : map.experts_F) text += line_of(experts);
  return text;
}

NeuronMap parse_neuron_map(const std::string& text, int64_t num_experts, const std::string& where) {
  NeuronMap map{num_experts, {}};
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    map.experts_F.push_back(parse_line(line, num_experts, fmt::format("{}:{}", where, map.experts_F.size() + 1)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return map;
}

std::string neuron_map_name(int64_t layer, int64_t num_experts) {
  return fmt::format("{}.part.{}", layer, num_experts);
}

}  // namespace heterodyne
