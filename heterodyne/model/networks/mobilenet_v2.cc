// MobileNetV2 (Sandler et al. 2018): the convolutions of blocks/mobilenet_layers.h, the mean over the picture, and a
// linear head.
//
// Letters: B pictures, C channels, H x W pixels, D features, Y classes.
#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/mobilenet_layers.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class MobileNetV2 : public Network {
 public:
  struct Options {
    double multiplier = 1;
    double norm_eps = 1e-3;
    std::string output = "classes";
    int64_t classes = 0;
    void visit(Fields& field) {
      field("multiplier", multiplier, "the published channels are multiplied by this", between(0.1, 4));
      field("norm_eps", norm_eps, "added to the variance in each normalisation", more_than(0));
      field("output", output, "logits of classes, or the features that they would be made of",
            one_of("classes", "features"));
      field("classes", classes, "how many there are; 0: as many as the data has", at_least(0),
            effective_when(output == "classes", "output is not \"classes\""));
    }
  };

  MobileNetV2(const Options& options, const NetworkContext& context) : options_(options), data_(context.data) {
    if (context.data.is_text())
      throw ConfigError("model", "kind", "expected data of images for \"mobilenet_v2\", got text");
    const Init init{context.seed, ""};
    features_ = std::make_unique<MobileNetLayers>(
        *this, MobileNetOptions{options.multiplier, options.norm_eps, data_.channels}, init);
    if (options.output != "classes") return;
    const nn::LinearOptions shape{features_->num_features(), options.classes > 0 ? options.classes : data_.num_classes};
    head_ = register_module("head", std::make_shared<nn::Linear>(shape, init.at("head")));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.mobilenet_v2", "inputs", batch.inputs, {"B", {"C", data_.channels}, "H", "W"});
    NetworkOutput output;
    const auto feature_BD = features_->forward(batch.inputs, log).mean({2, 3});
    output.logit_BY = head_ ? head_->forward(feature_BD) : feature_BD;
    observe(log, "head", output.logit_BY);
    return output;
  }

  CostPair cost(const std::vector<std::vector<double>>&) override {
    const Cost all{features_->macs(data_.height, data_.width), num_params(*this), 0};
    return {all, all};
  }

  int64_t tokens_per_example() const override { return 1; }

 private:
  Options options_;
  DataShape data_;
  std::unique_ptr<MobileNetLayers> features_;
  std::shared_ptr<nn::Linear> head_;  // null where features are wanted
};

}  // namespace

NetworkKind network_kind_mobilenet_v2() {
  return network_kind<MobileNetV2>("images: MobileNetV2, for its pretrained features");
}

}  // namespace heterodyne
