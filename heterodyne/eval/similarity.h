// Similarity: whether a layer's experts answer the same tokens alike. Linear centred kernel alignment of their outputs
// (Kornblith, Norouzi, Lee & Hinton 2019, equations 3 and 5).
//
// Letters: T tokens, D and O widths of two outputs, E experts.
#pragma once

#include <vector>

#include "heterodyne/eval/pass.h"
#include "heterodyne/eval/routing_profile.h"

namespace heterodyne {

/// ||Y^T X||_F^2 / (||X^T X||_F ||Y^T Y||_F) with the columns centred: 0 .. 1, and 1 for equal outputs. Rotating and
/// scaling either changes nothing. NaN when one of the two is the same for all tokens, up to rounding.
/// x_TD and y_TO floating, of any precision; computed in float64.
double linear_cka(const torch::Tensor& x_TD, const torch::Tensor& y_TO);

/// The same from estimates without bias (HSIC_1: Song et al. 2012, equation 5; Nguyen, Raghu & Kornblith 2021,
/// equation 3), for fewer tokens than ten times the width. Can be below 0. NaN also with fewer than four tokens and
/// where the estimate for one of the two alone is not above 0.
double debiased_linear_cka(const torch::Tensor& x_TD, const torch::Tensor& y_TO);

/// Of every MoE layer: each expert answers the same tokens, whoever they were routed to: those of the first examples,
/// as many whole ones as `num_tokens` hold, and one at least. Padding is left out. Debiased when they are fewer than
/// ten times the output's width. Holds the outputs of one layer's experts at a time, in float64.
std::vector<Similarity> expert_similarity(Network& network, Loader& loader, PassOptions pass,
                                          int64_t num_tokens = 2048);

}  // namespace heterodyne
