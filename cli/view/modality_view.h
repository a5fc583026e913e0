// Modality view: what the modalities of tokens, image or text, say about one layer's experts, and whether that is more
// than the same statistic finds when modalities are dealt out anew among the tokens of each example.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "heterodyne/eval/information.h"
#include "heterodyne/eval/routing_profile.h"

namespace heterodyne::cli {

/// A layer that is looked at must outlive its view.
struct ModalityView {
  const GroupCounts* modalities = nullptr;  // null: none were counted, and nothing else is known
  Information information;
  double divergence = 0;               // Jensen-Shannon divergence of P(expert | modality), nats
  std::vector<double> share_EG;        // P(expert | modality)
  std::optional<ChanceBand> shuffled;  // of information.mutual
  bool is_beyond_chance = false;

  explicit ModalityView(const LayerProfile& layer);

  /// For a line: the information, then each modality with its share of every expert. Empty without modalities.
  std::vector<std::string> parts(const std::vector<ExpertFacts>& experts) const;
  /// For programs.
  Table table() const;
};

}  // namespace heterodyne::cli
