// A router of one's own: each expert has a centre in the tokens' space, and a token goes to the experts whose centres
// lie nearest. The router joins a copy of the built-in ones, so that a configuration can ask for it by name, and a
// small model is trained with it.
//
// Letters: T tokens, D width, E experts, K choices per token.
#include <cmath>
#include <iomanip>
#include <iostream>

#include "heterodyne/base/config.h"
#include "heterodyne/layer/token_choice_router.h"
#include "heterodyne/ops/top_k.h"
#include "heterodyne/train/trainer.h"

using namespace heterodyne;

class NearestCentreRouter : public TokenChoiceRouter {
 public:
  struct Options {
    int64_t k = 2;
    double temperature = 1;
    void visit(Fields& field) {
      field("k", k, "experts each token is sent to", at_least(1));
      field("temperature", temperature, "what distances are divided by: low values decide sharply", more_than(0));
    }
  };

  NearestCentreRouter(const Options& options, const RouterContext& context)
      : TokenChoiceRouter("router.nearest_centre", options.k, context),
        name_(context.init.name),
        scale_(1 / (options.temperature * std::sqrt(static_cast<double>(context.width)))) {
    const Init init = context.init.at("centre");
    centre_ED_ =
        register_parameter("centre", init.stream().normal({init.seed, 0}, {num_experts(), context.width}) * 0.1);
  }

  Routing route(const RouteInput& input) override {
    check_input(input.x_TD);
    // -|x - c|^2 without |x|^2, which is the same for every expert of a token.
    const auto x_TD = input.x_TD.to(centre_ED_.scalar_type());
    const auto logit_TE = (2 * torch::matmul(x_TD, centre_ED_.t()) - centre_ED_.square().sum(1)) * scale_;
    const auto expert_TK = ops::top_k(logit_TE, max_choices(), name_);
    const auto weight_TK = logit_TE.gather(1, expert_TK).softmax(-1);
    return make_routing({expert_TK, weight_TK, logit_TE.softmax(-1), logit_TE}, input, num_experts());
  }

  // Adding and removing experts changes this tensor with them.
  std::vector<ExpertAxis> expert_axes() override { return {{"centre", centre_ED_, 0}}; }
  double macs_per_token() const override { return static_cast<double>(centre_ED_.numel()); }

 private:
  std::string name_;
  double scale_;
  torch::Tensor centre_ED_;
};

constexpr const char* kConfig = R"(
name = "custom-router"
data = { kind = "synthetic", examples = 2000, test_examples = 200, size = 16, noise = 1.0, batch = 50 }
[model]
kind = "dmmoe"
width = 32
patch = 4
moe.router = { kind = "nearest_centre", k = 2, temperature = 0.5 }
moe.experts = [{ kind = "mlp", hidden = [32, 64] }, { kind = "conv1d" }, { kind = "lstm_cell" }]
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
  RouterRegistry my_routers = routers();
  my_routers.add("nearest_centre",
                 router_kind<NearestCentreRouter>("each token to the experts with the nearest centres"));
  try {
    const auto experiment = read_experiment(parse_toml(kConfig, "custom_router"), Families().with(my_routers));
    const auto dataset = make_dataset(experiment, {}, {});
    const auto network = make_network(experiment);
    const auto optimizer = optimizers().make(experiment.options.train.optimizer);
    Printer printer;
    std::cout << std::fixed << std::setprecision(3);
    Trainer({experiment, *dataset, *network, *optimizer, {&printer}, nullptr, {}}, {}).run();
  } catch (const Error& error) {
    std::cerr << "custom_router: error: " << error.what() << "\n";
    return 1;
  }
}
