#include "cli/view/modality_view.h"

#include <fmt/format.h>

#include <cmath>

#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {

ModalityView::ModalityView(const LayerProfile& layer) : modalities(layer.group("modality")) {
  if (!modalities) return;
  const auto G = static_cast<int64_t>(modalities->labels.size());
  const Contingency counts{layer.num_experts(), G, modalities->count_EG};
  information = information_of(counts);
  divergence = class_divergence(counts);
  share_EG = expert_given_class(counts);
  shuffled = chance_band(modalities->shuffled_information);
  is_beyond_chance = shuffled && shuffled->is_exceeded_by(information.mutual);
}

std::vector<std::string> ModalityView::parts(const std::vector<ExpertFacts>& experts) const {
  if (!modalities) return {};
  const size_t G = modalities->labels.size();
  std::string text =
      fmt::format("modality information {:.4f} nats, NMI {:.4f}", information.mutual, information.normalized());
  if (shuffled) text += fmt::format(" (shuffled {:.4f} .. {:.4f} nats)", shuffled->low, shuffled->high);
  std::vector<std::string> all{text};
  if (shuffled && !is_beyond_chance) all.push_back("not distinguishable from chance");
  all.push_back(fmt::format("divergence {:.4f} of {:.4f} nats", divergence, std::log(static_cast<double>(G))));
  for (size_t g = 0; g < G; ++g) {
    std::vector<std::string> shares;
    for (size_t e = 0; e < experts.size(); ++e)
      shares.push_back(
          fmt::format("{} {} {:.1f} %", experts[e].id, printable(experts[e].name), 100 * share_EG[e * G + g]));
    all.push_back(printable(modalities->labels[g]) + ": " + join(shares));
  }
  return all;
}

Table ModalityView::table() const {
  Table shares;
  const size_t G = modalities->labels.size();
  for (size_t g = 0; g < G; ++g) {
    Array share_E;
    for (size_t e = 0; e * G < share_EG.size(); ++e) share_E.emplace_back(share_EG[e * G + g]);
    shares.set(modalities->labels[g], std::move(share_E));
  }
  Table all{{"mutual_information", information.mutual},
            {"nmi", information.normalized()},
            {"divergence", divergence},
            {"shares", std::move(shares)}};
  if (!shuffled) return all;
  Array band;
  band.emplace_back(shuffled->low);
  band.emplace_back(shuffled->high);
  all.set("shuffled", std::move(band));
  all.set("is_beyond_chance", is_beyond_chance);
  return all;
}

}  // namespace heterodyne::cli
