// Expert kinds of one's own: y = ((A x) * (B x)) C, the bilinear layer of Shazeer (2020, "GLU variants improve
// transformer"), written as a class, and a torch::nn::Sequential as it is. They join a copy of the built-in kinds,
// share a layer with two of them, and a small model is trained.
//
// Letters: N rows of this expert, D width, F hidden width, O output width.
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <iomanip>
#include <iostream>

#include "heterodyne/base/config.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/layer/expert.h"
#include "heterodyne/layer/module_expert.h"
#include "heterodyne/nn/linear.h"
#include "heterodyne/train/trainer.h"

using namespace heterodyne;

class BilinearExpert : public Expert {
 public:
  struct Options {
    int64_t hidden = 64;
    void visit(Fields& field) { field("hidden", hidden, "width of both factors", at_least(1)); }
  };

  // Initial values come from streams named after the parameters, so they depend on the seed alone.
  BilinearExpert(const Options& options, const ExpertContext& context) {
    const auto linear = [&](const char* name, int64_t inputs, int64_t outputs) {
      return register_module(
          name, std::make_shared<nn::Linear>(nn::LinearOptions{inputs, outputs, false}, context.init.at(name)));
    };
    left_ = linear("left", context.width, options.hidden);
    right_ = linear("right", context.width, options.hidden);
    down_ = linear("down", options.hidden, context.output_width);
  }

  torch::Tensor forward(const ExpertInput& input) override {
    check_shape("expert.bilinear", "x_ND", input.x_ND, {"N", {"D", left_->weight().num_inputs()}});
    return down_->forward(left_->forward(input.x_ND) * right_->forward(input.x_ND));
  }

  CostPair cost(const ExpertLoad& load) const override {
    return row_cost(left_->macs() + right_->macs() + down_->macs(), load);
  }

 private:
  std::shared_ptr<nn::Linear> left_, right_, down_;
};

struct TanhOptions {
  int64_t hidden = 64;
  void visit(Fields& field) { field("hidden", hidden, "hidden width", at_least(1)); }
};

// Any module of LibTorch that maps rows to rows.
std::shared_ptr<Expert> make_tanh(const TanhOptions& options, const ExpertContext& context) {
  torch::nn::Sequential module(torch::nn::Linear(context.width, options.hidden), torch::nn::Tanh(),
                               torch::nn::Linear(options.hidden, context.output_width));
  draw_from_streams(*module, context.init);
  return module_expert(context, module.ptr(),
                       static_cast<double>((context.width + context.output_width) * options.hidden));
}

constexpr const char* kConfig = R"(
name = "custom-expert"
data = { kind = "synthetic", examples = 2000, test_examples = 200, size = 16, noise = 1.0, batch = 50 }
[model]
kind = "dmmoe"
width = 32
patch = 4
moe.router = { kind = "top_k", k = 2 }
moe.experts = [
  { kind = "bilinear", hidden = 48, count = 2 }, { kind = "tanh", hidden = 48 }, { kind = "mlp", hidden = 64 },
  { kind = "conv1d" },
]
moe.balancers = [{ kind = "switch_loss", weight = 0.02 }]
[train]
epochs = 2
log_every = 12
optimizer = { kind = "adamw", lr = 3e-3 }
)";

class Printer : public Hook {
 public:
  void on_log(const LogReport& report) override {
    std::cout << "step " << report.step << "  loss " << *report.values.find("loss")->if_real() << "\n";
  }
  void on_validation(const ValidationReport& report) override {
    const Table metrics = report.evaluation.table();
    std::cout << "step " << report.step << "  validation accuracy " << report.evaluation.metrics.accuracy() << "  load";
    for (const auto& [name, value] : metrics.entries()) {
      if (name.ends_with(".share")) std::cout << " " << *value.if_real();
    }
    std::cout << "\n";
  }
};

int main() {
  ExpertRegistry my_experts = experts();
  my_experts.add("bilinear", expert_kind<BilinearExpert>("the product of two linear layers, then a third"));
  my_experts.add("tanh", module_expert_kind<TanhOptions>("two linear layers of LibTorch with a tanh", make_tanh));
  try {
    const auto experiment = read_experiment(parse_toml(kConfig, "custom_expert"), Families().with(my_experts));
    const auto dataset = make_dataset(experiment, {}, {});
    const auto network = make_network(experiment);
    const auto optimizer = optimizers().make(experiment.options.train.optimizer);
    Printer printer;
    std::cout << std::fixed << std::setprecision(3);
    Trainer({experiment, *dataset, *network, *optimizer, {&printer}, nullptr, {}}, {}).run();
  } catch (const Error& error) {
    std::cerr << "custom_expert: error: " << error.what() << "\n";
    return 1;
  }
}
