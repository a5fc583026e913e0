// ModuleExpert: any module of LibTorch that maps rows [N, D] to rows [N, O] as an expert, torch::nn::Sequential too. It
// is row-wise: the module must not mix its rows (no BatchNorm), and draws of its own (torch::nn::Dropout) are not
// repeated by a resumed or recomputed step.
//
// Letters: N rows of this expert, D width, O output width.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "heterodyne/layer/expert.h"

namespace heterodyne {

class ModuleExpert : public Expert {
 public:
  using Answer = std::function<torch::Tensor(const torch::Tensor& x_ND)>;

  /// `answer` calls `module`, whose parameters are the expert's, under "module". `macs_per_row` is what a row costs.
  ModuleExpert(const ExpertContext& context, std::shared_ptr<torch::nn::Module> module, Answer answer,
               double macs_per_row);

  /// Throws ShapeError unless x_ND is [N, D] and the module answers with [N, O].
  torch::Tensor forward(const ExpertInput& input) override;
  CostPair cost(const ExpertLoad& load) const override { return row_cost(macs_per_row_, load); }

 private:
  std::string where_;
  int64_t width_, output_width_;
  Answer answer_;
  double macs_per_row_;
};

/// The expert made of a module with a forward(Tensor) of its own.
template <class Module>
std::shared_ptr<Expert> module_expert(const ExpertContext& context, std::shared_ptr<Module> module,
                                      double macs_per_row) {
  auto answer = [called = module.get()](const torch::Tensor& x_ND) { return called->forward(x_ND); };
  return std::make_shared<ModuleExpert>(context, std::move(module), std::move(answer), macs_per_row);
}

/// The kind whose experts `make` returns, with the settings of an Options struct.
template <class Options>
ExpertKind module_expert_kind(std::string summary,
                              std::function<std::shared_ptr<Expert>(const Options&, const ExpertContext&)> make) {
  return {std::move(summary), Schema::of<Options>(),
          [make = std::move(make)](const Table& settings, const Place& place, const ExpertContext& context) {
            return make(read_options<Options>(settings, place), context);
          },
          false};
}

/// LibTorch's modules draw their initial values from one generator, in order of construction. This draws those of the
/// parameters with two and more dimensions anew from the stream of their name, U(-1/sqrt(fan_in), 1/sqrt(fan_in)), and
/// sets what is called "bias" to zero, so that the seed alone decides. Others stay: a norm's weight is 1.
void draw_from_streams(torch::nn::Module& module, const Init& init);

}  // namespace heterodyne
