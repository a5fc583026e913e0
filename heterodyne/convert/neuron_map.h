// Neuron map: which experts each hidden neuron of a feed-forward layer goes to. One, in a partition; none when a
// converter leaves it out; several when experts share it.
//
// As text, a line for each neuron: an expert's number, several with commas between them, or nothing.
//
// Letters: F neurons, E experts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heterodyne {

struct NeuronMap {
  int64_t num_experts = 0;
  std::vector<std::vector<int64_t>> experts_F;  // of each neuron, ascending

  int64_t num_neurons() const { return static_cast<int64_t>(experts_F.size()); }
  /// Whether every neuron is in exactly one expert.
  bool is_partition() const;
  /// Neurons of each expert.
  std::vector<int64_t> sizes() const;
  /// Ascending.
  std::vector<int64_t> neurons_of(int64_t expert) const;
  /// Those that every expert has, where there are several experts: they can be one expert that always works.
  std::vector<int64_t> common() const;
  /// Whether all of several experts have every neuron.
  bool are_copies() const { return num_experts > 1 && static_cast<int64_t>(common().size()) == num_neurons(); }
  /// Neurons in no expert.
  int64_t num_left_out() const;
};

/// Of a partition: the expert of each neuron.
NeuronMap partition_of(const std::vector<int64_t>& expert_F, int64_t num_experts);

std::string text_of(const NeuronMap& map);
/// Reads text_of(), with or without a newline at the end. `where` is the file for error texts. Throws FormatError with
/// the line: "1.part.8:17: expected numbers of experts 0 .. 7, got \"8\"".
NeuronMap parse_neuron_map(const std::string& text, int64_t num_experts, const std::string& where);

/// "4.part.8": of layer 4 with 8 experts.
std::string neuron_map_name(int64_t layer, int64_t num_experts);

}  // namespace heterodyne
