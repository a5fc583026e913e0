// A multi-layer perceptron over the flattened inputs: the simplest network there is, for baselines and tests. With
// `moe` its last layer is a Mixture of Experts that answers with the logits; without hidden layers it is that alone:
// the sparsely gated layer on images (Shazeer et al. 2017, section 2).
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/model/blocks/moe_pass.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class MlpNetwork : public Network {
 public:
  struct Options {
    std::vector<int64_t> hidden = {256};
    std::string activation = "relu";
    MoeOptions moe;
    void visit(Fields& field) {
      field("hidden", hidden, "widths of the hidden layers, one after the other; [] for none", list_or_none(),
            at_least(1));
      field("activation", activation, "after each hidden layer", one_of_activations(),
            effective_when(!hidden.empty(), "hidden = []"));
      field("moe", moe, "a Mixture of Experts in the place of the last layer");
    }
  };

  MlpNetwork(const Options& options, const NetworkContext& context)
      : activation_(options.activation), num_inputs_(context.data.channels * context.data.height * context.data.width) {
    const Init init{context.seed, ""};
    int64_t width = num_inputs_;
    for (const int64_t hidden : options.hidden) {
      add_linear("hidden" + std::to_string(linears_.size()), width, hidden, init);
      width = hidden;
    }
    if (options.moe.experts.empty()) {
      add_linear("head", width, context.data.num_classes, init);
      return;
    }
    auto modules = register_module("layers", std::make_shared<torch::nn::Module>());
    const MoeContext place{width, context.data.num_classes, init.at("layers").at("0")};
    moe_ = modules->register_module("0", std::make_shared<MoeLayer>(options.moe, place));
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    auto x_BD = batch.inputs.flatten(1);
    check_shape("model.mlp", "inputs", x_BD, {"B", {"C x H x W", num_inputs_}});
    for (size_t i = 0; i < linears_.size(); ++i) {
      x_BD = linears_[i]->forward(x_BD);
      if (names_[i] != "head") x_BD = activate(activation_, x_BD);
      observe(log, names_[i], x_BD);
    }
    NetworkOutput output;
    output.logit_BY = x_BD;
    if (!moe_) return output;
    MoePass moe(batch, log);
    output.logit_BY = moe.run(*moe_, x_BD.unsqueeze(1)).squeeze(1);
    moe.finish(output);
    observe(log, "head", output.logit_BY);
    return output;
  }

  std::vector<MoeLayer*> moe_layers() override {
    return moe_ ? std::vector<MoeLayer*>{moe_.get()} : std::vector<MoeLayer*>{};
  }

  CostPair cost(const std::vector<std::vector<double>>& tokens_per_expert) override {
    Cost cost{0, num_params(*this), 0};
    for (const auto& linear : linears_) cost.macs += linear->macs();
    CostPair total{cost, cost};
    if (!moe_) return total;
    const CostPair part = moe_->cost(tokens_per_expert.at(0), 1, 1);
    total.routed.macs += part.routed.macs;
    total.executed.macs += part.executed.macs;
    return total;
  }

  int64_t tokens_per_example() const override { return 1; }

 private:
  void add_linear(const std::string& name, int64_t inputs, int64_t outputs, const Init& init) {
    const nn::LinearOptions shape{inputs, outputs, true, nn::Scheme::kHeNormal};
    linears_.push_back(register_module(name, std::make_shared<nn::Linear>(shape, init.at(name))));
    names_.push_back(name);
  }

  std::string activation_;
  int64_t num_inputs_;
  std::vector<std::shared_ptr<nn::Linear>> linears_;
  std::vector<std::string> names_;
  std::shared_ptr<MoeLayer> moe_;  // may be null
};

}  // namespace

NetworkKind network_kind_mlp() { return network_kind<MlpNetwork>("multi-layer perceptron over the flattened inputs"); }

}  // namespace heterodyne
