// A plain multi-layer perceptron over the flattened inputs: the simplest network there is, for baselines and tests.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/model/network.h"
#include "heterodyne/nn/linear.h"

namespace heterodyne {
namespace {

class MlpNetwork : public Network {
 public:
  struct Options {
    std::vector<int64_t> hidden = {256};
    std::string activation = "relu";
    void visit(Fields& field) {
      field("hidden", hidden, "widths of the hidden layers, one after the other", list_or_one(), at_least(1));
      field("activation", activation, "after each hidden layer", one_of_activations());
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
    add_linear("head", width, context.data.num_classes, init);
  }

  NetworkOutput forward(const Batch& batch, RoutingLog* log) override {
    auto x_BD = batch.inputs.flatten(1);
    check_shape("model.mlp", "inputs", x_BD, {"B", {"C x H x W", num_inputs_}});
    for (size_t i = 0; i < linears_.size(); ++i) {
      x_BD = linears_[i]->forward(x_BD);
      if (i + 1 < linears_.size()) x_BD = activate(activation_, x_BD);
      observe(log, names_[i], x_BD);
    }
    return {x_BD, {}, {}};
  }

  CostPair cost(const std::vector<std::vector<double>>&) override {
    Cost cost{0, num_params(*this), 0};
    for (const auto& linear : linears_) cost.macs += linear->macs();
    return {cost, cost};
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
};

}  // namespace

NetworkKind network_kind_mlp() { return network_kind<MlpNetwork>("multi-layer perceptron over the flattened inputs"); }

}  // namespace heterodyne
