// Stems: how an image, or a text, becomes a sequence of tokens.
//
// Letters: B examples, C channels, H x W pixels, S tokens, D width.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/base/batch.h"
#include "heterodyne/base/fields.h"
#include "heterodyne/nn/conv.h"
#include "heterodyne/nn/embedding.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {

class Stem : public torch::nn::Module {
 public:
  /// Images [B, C, H, W] to [B, S, D], tokens being the rows of the grid, one after the other; or symbols [B, S] to
  /// [B, S, D].
  virtual torch::Tensor forward(const torch::Tensor& inputs) = 0;
  /// Of a text: the most.
  virtual int64_t num_tokens() const = 0;
  /// Of the grid; 0 where there is none.
  virtual int64_t columns() const = 0;
  /// Multiply-adds for one example.
  virtual double macs() const = 0;
};

/// One convolution whose kernel and stride are the patch (Dosovitskiy et al. 2021).
class PatchStem : public Stem {
 public:
  /// Throws ConfigError about `patch` unless it divides height and width.
  PatchStem(const DataShape& data, int64_t width, int64_t patch, const Init& init);
  torch::Tensor forward(const torch::Tensor& x_BCHW) override;
  int64_t num_tokens() const override { return num_tokens_; }
  int64_t columns() const override { return columns_; }
  double macs() const override { return conv_->macs_per_position() * static_cast<double>(num_tokens_); }

 private:
  int64_t num_tokens_, columns_;
  std::shared_ptr<nn::Conv2d> conv_;
};

/// 3 x 3 convolutions of stride 2 with batch normalisation and ReLU, the last of which has `width` channels, each
/// before it half as many (early convolutions: Xiao et al. 2021). With three, 28 x 28 and 32 x 32 images give 4 x 4
/// tokens.
class ConvStem : public Stem {
 public:
  ConvStem(const DataShape& data, int64_t width, const Init& init, int64_t convs = 3);
  torch::Tensor forward(const torch::Tensor& x_BCHW) override;
  int64_t num_tokens() const override { return num_tokens_; }
  int64_t columns() const override { return columns_; }
  double macs() const override { return macs_; }

 private:
  int64_t num_tokens_ = 0, columns_ = 0;
  double macs_ = 0;
  std::vector<std::shared_ptr<nn::Conv2d>> convs_;
  std::vector<std::shared_ptr<nn::BatchNorm2d>> norms_;
};

/// The symbols' features times the square root of the width (Vaswani et al. 2017, section 3.4), so that they are as
/// large as sinusoid positions.
class SymbolStem : public Stem {
 public:
  SymbolStem(const DataShape& data, int64_t width, const Init& init);
  /// Throws ShapeError unless 0 <= symbol < vocabulary and S is at most the data's length.
  torch::Tensor forward(const torch::Tensor& symbol_BS) override;
  int64_t num_tokens() const override { return length_; }
  int64_t columns() const override { return 0; }
  double macs() const override { return 0; }

 private:
  int64_t length_;
  double scale_;
  std::shared_ptr<nn::Embedding> embedding_;
};

/// Settings of a stem of images, among those of the network that has it.
struct ImageStemSettings {
  std::string stem = "patch";
  int64_t patch = 8;
  int64_t convs = 3;
  void visit(Fields& field) {
    field("stem", stem, "how an image becomes tokens: one convolution over patches, or several strided ones",
          one_of("patch", "conv"));
    field("patch", patch, "pixels along the side of a patch", at_least(1),
          effective_when(stem == "patch", "stem = \"conv\""));
    field("convs", convs, "convolutions of the stem, each of which halves the image", between(1, 10),
          effective_when(stem == "conv", "stem = \"patch\""));
  }
  /// Throws as the stems do.
  std::shared_ptr<Stem> make(const DataShape& data, int64_t width, const Init& init) const;
};

}  // namespace heterodyne
