// Router rows: what a converted layer's router may begin with, so that tokens of a domain go to the experts whose
// neurons matter to that domain.
//
// Letters: L dense layers, H width, F neurons, E experts, D domains.
#pragma once

#include "heterodyne/convert/neuron_map.h"
#include "heterodyne/convert/score.h"

namespace heterodyne {

/// float64 [L, H]: the mean of what each layer reads, over all tokens of a domain. Throws Error without texts.
torch::Tensor input_means(Network& network, const std::vector<DenseLayer>& layers, const BatchSource& next);

/// float64 [E, H], rows of length one: with a_d the share of domain d in what an expert's neurons matter to all
/// domains, level_FD of its neurons added up, less 1 / D, and m_d the domain's mean less that of all domains, the row
/// of an expert is the sum of a_d m_d. Zeros for one that matters to all domains alike. Throws Error for fewer than two
/// domains.
torch::Tensor domain_rows(const NeuronMap& map, const torch::Tensor& level_FD, const torch::Tensor& mean_DH);

}  // namespace heterodyne
