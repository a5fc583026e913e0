// Three linear layers; after each of the first two an activation, layer normalisation and dropout: an expert deep
// enough to be a classifier's whole head. Row-wise.
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/nn/dropout.h"
#include "heterodyne/nn/linear.h"
#include "heterodyne/nn/norm.h"

namespace heterodyne {
namespace {

class NormMlpExpert : public Expert {
 public:
  struct Options {
    std::vector<int64_t> hidden = {512};
    std::vector<int64_t> inner = {256};
    std::string activation = "gelu";
    double dropout = 0;
    void visit(Fields& field) {
      field("hidden", hidden, "width after the first layer; a list gives each expert of the group its own",
            list_or_one(), at_least(1));
      field("inner", inner, "width after the second layer; a list gives each expert of the group its own",
            list_or_one(), at_least(1));
      field("activation", activation, "after the first two layers", one_of_activations());
      field("dropout", dropout, "share dropped of the values after each of the first two layers", between(0, 0.99));
    }
  };

  NormMlpExpert(const Options& options, const ExpertContext& context)
      : where_(context.init.name + " norm_mlp"), activation_(options.activation) {
    const auto of_group = [&](const std::vector<int64_t>& widths) {
      return widths[static_cast<size_t>(context.index) % widths.size()];
    };
    const int64_t F = of_group(options.hidden), inner = of_group(options.inner);
    add_hidden("0", context.width, F, options.dropout, context.init);
    add_hidden("1", F, inner, options.dropout, context.init);
    answer_ = add_linear("answer", inner, context.output_width, context.init);
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape(where_, "x_ND", input.x_ND, {"N", {"D", hidden_[0].linear->weight().num_inputs()}});
    auto x = input.x_ND;
    for (const auto& [linear, norm, dropout] : hidden_)
      x = dropout->forward(norm->forward(activate(activation_, linear->forward(x))), input.random, input.token_N);
    return answer_->forward(x);
  }

  CostPair cost(const ExpertLoad& load) const override {
    return row_cost(hidden_[0].linear->macs() + hidden_[1].linear->macs() + answer_->macs(), load);
  }

 private:
  struct Hidden {
    std::shared_ptr<nn::Linear> linear;
    std::shared_ptr<nn::LayerNorm> norm;
    std::shared_ptr<nn::Dropout> dropout;
  };

  std::shared_ptr<nn::Linear> add_linear(const std::string& name, int64_t inputs, int64_t outputs, const Init& init) {
    return register_module(name, std::make_shared<nn::Linear>(nn::LinearOptions{inputs, outputs}, init.at(name)));
  }
  void add_hidden(const std::string& number, int64_t inputs, int64_t outputs, double dropout, const Init& init) {
    const std::string name = "dropout" + number;
    hidden_.push_back({add_linear("linear" + number, inputs, outputs, init),
                       register_module("norm" + number, std::make_shared<nn::LayerNorm>(outputs)),
                       register_module(name, std::make_shared<nn::Dropout>(dropout, init.at(name)))});
  }

  std::string where_, activation_;
  std::vector<Hidden> hidden_;
  std::shared_ptr<nn::Linear> answer_;
};

}  // namespace

ExpertKind expert_kind_norm_mlp() {
  return expert_kind<NormMlpExpert>("three linear layers with layer normalisation and dropout: a classifier's head");
}

}  // namespace heterodyne
