// Images read row by row: LSTM layers with a Mixture of Experts between them, then the last row's answer is classified.
// A row is one step, with the pixels of all its channels as features.
//
// Letters: B images, C channels, H x W pixels, D width.
#include <fmt/format.h>

#include "heterodyne/base/shape.h"
#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/blocks/moe_section.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/dropout.h"
#include "heterodyne/nn/linear.h"
#include "heterodyne/nn/lstm.h"

namespace heterodyne {
namespace {

class LstmClassifier : public Network {
 public:
  struct Options {
    int64_t width = 128;
    int64_t layers = 2;
    double dropout = 0.1;
    bool bidirectional = false;
    MoeSection moe;
    void visit(Fields& field) {
      field("width", width, "features of the state of each LSTM", at_least(1));
      field("layers", layers, "LSTM layers; a Mixture of Experts follows each but the last", between(1, 100));
      field("dropout", dropout, "share dropped of each LSTM's output", between(0, 0.99));
      field("bidirectional", bidirectional, "LSTMs in both directions, whose answers stand after each other");
      field("moe", moe, "the Mixtures of Experts between the LSTMs; layer N follows LSTM N");
    }
  };

  LstmClassifier(const Options& options, const NetworkContext& context) : data_(context.data) {
    if (context.data.is_text()) throw ConfigError("model", "kind", "expected images for \"lstm_classifier\", got text");
    if (options.layers == 1)
      throw ConfigError("model", "layers",
                        "expected at least 2, as the Mixture of Experts stands between LSTMs, got 1");
    if (options.moe.experts.empty())
      throw ConfigError("model", "moe.experts", "expected at least one group, got an empty list");
    const Init init{context.seed, ""};
    auto lstms = register_module("lstms", std::make_shared<torch::nn::Module>());
    auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
    int64_t width = data_.channels * data_.width;
    for (int64_t l = 0; l < options.layers; ++l) {
      const std::string name = std::to_string(l);
      lstms_.push_back(lstms->register_module(
          name, std::make_shared<nn::Lstm>(width, options.width, options.bidirectional, init.at("lstms").at(name))));
      dropouts_.push_back(register_module("dropout_" + name,
                                          std::make_shared<nn::Dropout>(options.dropout, init.at("dropout").at(name))));
      if (l + 1 == options.layers) break;
      const MoeContext place{lstms_.back()->num_outputs(), options.width, init.at("layers").at(name)};
      moes_.push_back(layers->register_module(name, std::make_shared<MoeLayer>(options.moe.of(l), place)));
      width = options.width;
    }
    for (const auto& [index, settings] : options.moe.layer) {
      if (index + 1 < options.layers) continue;
      throw ConfigError("model", fmt::format("moe.layer.{}", index),
                        fmt::format("expected an index below {}, as no Mixture of Experts follows the last LSTM",
                                    options.layers - 1));
    }
    const nn::LinearOptions shape{lstms_.back()->num_outputs(), data_.num_classes};
    head_ = register_module("head", std::make_shared<nn::Linear>(shape, init.at("head")));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    check_shape("model.lstm_classifier", "inputs", batch.inputs,
                {"B", {"C", data_.channels}, {"H", data_.height}, {"W", data_.width}});
    // [B, C, H, W] to one step for each row, with all its channels: [B, H, C x W].
    auto x_BSD = batch.inputs.permute({0, 2, 1, 3}).flatten(2);
    const auto row_T = torch::arange(x_BSD.size(0) * x_BSD.size(1));
    MoePass moe(batch, log);
    for (size_t l = 0; l < lstms_.size(); ++l) {
      const auto y_BSD = lstms_[l]->forward(x_BSD.contiguous()).y_BSH;
      x_BSD = dropouts_[l]->forward(y_BSD.reshape({-1, y_BSD.size(2)}), batch.random, row_T).view(y_BSD.sizes());
      observe(log, fmt::format("lstms.{}", l), x_BSD);
      if (l < moes_.size()) x_BSD = moe.run(*moes_[l], x_BSD);
    }
    NetworkOutput output;
    moe.finish(output);
    output.logit_BY = head_->forward(x_BSD.select(1, -1));
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override {
    std::vector<MoeLayer*> all;
    for (const auto& layer : moes_) all.push_back(layer.get());
    return all;
  }

  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    const auto S = static_cast<double>(data_.height);
    Cost fixed{0, num_params(*this), 0};
    for (const auto& lstm : lstms_) fixed.macs += S * lstm->macs();
    CostPair total{fixed, fixed};
    for (size_t l = 0; l < moes_.size(); ++l) {
      const auto part = moes_[l]->cost(tokens_per_expert.at(l), S, data_.height);
      total.routed.macs += part.routed.macs;
      total.executed.macs += part.executed.macs;
    }
    return total;
  }

  int64_t tokens_per_example() const override { return data_.height; }
  /// Each row of pixels is a token.
  TokenGrid token_grid() const override { return {data_.height, 1}; }

 private:
  DataShape data_;
  std::vector<std::shared_ptr<nn::Lstm>> lstms_;
  std::vector<std::shared_ptr<nn::Dropout>> dropouts_;
  std::vector<std::shared_ptr<MoeLayer>> moes_;
  std::shared_ptr<nn::Linear> head_;
};

}  // namespace

NetworkKind network_kind_lstm_classifier() {
  return network_kind<LstmClassifier>("images row by row: LSTM layers with Mixtures of Experts between them");
}

}  // namespace heterodyne
