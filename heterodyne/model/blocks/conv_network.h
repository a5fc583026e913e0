// Convolutional network: what networks of convolutions share whose last map an image head reads.
#pragma once

#include <memory>
#include <vector>

#include "heterodyne/model/blocks/image_head.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

class ConvNetwork : public Network {
 public:
  std::vector<MoeLayer*> moe_layers() override;
  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override;
  int64_t tokens_per_example() const override { return head_->num_tokens(); }
  TokenGrid token_grid() const override { return head_->token_grid(); }

 protected:
  /// Once, behind all other parts: a map of this shape, for which an image took so many multiply-adds.
  void add_head(const ImageHeadOptions& options, const ImageHead::Shape& shape, double macs, const Init& init);
  ImageHead& head() { return *head_; }

 private:
  std::unique_ptr<ImageHead> head_;
  double macs_ = 0;
};

}  // namespace heterodyne
