#include "heterodyne/model/blocks/conv_network.h"

namespace heterodyne {

void ConvNetwork::add_head(const ImageHeadOptions& options, const ImageHead::Shape& shape, double macs,
                           const Init& init) {
  head_ = std::make_unique<ImageHead>(options, shape, *this, init);
  macs_ = macs;
}

std::vector<MoeLayer*> ConvNetwork::moe_layers() {
  return head_->moe_layer() ? std::vector<MoeLayer*>{head_->moe_layer()} : std::vector<MoeLayer*>{};
}

CostPair ConvNetwork::cost(const std::vector<std::vector<double>>& tokens_per_expert) {
  const Cost fixed{macs_, num_params(*this), 0};
  CostPair total{fixed, fixed};
  head_->add_macs(tokens_per_expert, total);
  return total;
}

}  // namespace heterodyne
