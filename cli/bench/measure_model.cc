#include "cli/bench/measure_model.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "cli/bench/memory_watch.h"
#include "cli/view/profile_view.h"
#include "heterodyne/eval/metrics.h"
#include "heterodyne/eval/pass.h"
#include "heterodyne/ops/scratch.h"
#include "heterodyne/train/step.h"

namespace heterodyne::cli {
namespace {

// A model in training.
class Trainee {
 public:
  explicit Trainee(const ModelSubject& subject)
      : experiment_(subject.experiment),
        network_(make_network(subject.experiment)),
        optimizer_(optimizers().make(subject.experiment.options.train.optimizer)),
        rates_(rates_of(subject.experiment.options.train.optimizer)) {
    round_learning(experiment_, *network_);
    if (subject.dataset)
      loader_ = std::make_unique<Loader>(*subject.dataset, Split::kTrain, loader_options(experiment_, Split::kTrain));
    else batch_ = random_batch(subject.experiment);
    if (loader_) loader_->start(0);
  }

  void step(Profile* profile = nullptr) {
    std::vector<Batch> batches;
    {
      const ProfileSpan span(profile, "data");
      for (int64_t i = 0; i < experiment_.options.train.accumulate; ++i) batches.push_back(next());
    }
    auto result =
        train_step(*network_, *optimizer_, {std::move(batches), rates_.lr, rates_.clip_norm, carry_, profile});
    carry_ = std::move(result.carry);
    loss_ = result.loss;
    examples_ = result.num_examples;
  }

  // Of a forward and a backward pass, without the parameters' gradients, which are forgotten.
  double peak_bytes() {
    const Batch batch = next();
    network_->train();
    ops::release_kept_buffers();
    double gradients = 0;
    const MemoryWatch watch;
    const auto output = network_->forward(batch, nullptr);
    auto loss = task_loss(output.logit_BY, batch.label_B);
    for (const auto& [name, part] : output.losses) loss = loss + part;
    loss.backward();
    for (const auto& parameter : network_->parameters()) {
      if (parameter.grad().defined()) gradients += static_cast<double>(parameter.grad().nbytes());
    }
    network_->zero_grad();
    return static_cast<double>(watch.peak_bytes()) - gradients;
  }

  ModelResult result(const std::string& name) {
    ModelResult result;
    result.name = name;
    result.num_params = heterodyne::num_params(*network_);
    result.examples = examples_;
    result.is_text = batch_.inputs.defined() && batch_.inputs.scalar_type() == torch::kInt64;
    result.macs = (even_cost(*network_).executed.macs + head_macs(result.is_text)) * static_cast<double>(examples_);
    result.loss = loss_;
    return result;
  }

 private:
  // Network::cost() leaves the head out, which of a language model is a large part.
  double head_macs(bool is_text) const {
    if (!is_text) return 0;
    const auto parameters = network_->named_parameters();
    const auto* weight = parameters.find("head.weight");
    if (weight == nullptr) weight = parameters.find("embedding.weight");
    return weight == nullptr ? 0 : static_cast<double>(weight->numel());
  }

  Batch next() {
    if (loader_) {
      auto batch = loader_->next();
      if (!batch) {
        carry_.clear();
        loader_->start(++epoch_);
        batch = loader_->next();
      }
      batch_ = std::move(*batch);
      set_dtype(batch_, experiment_.dtype());
    }
    batch_.random = {experiment_.seed(), step_++};
    return batch_;
  }

  const Experiment& experiment_;
  std::shared_ptr<Network> network_;
  std::shared_ptr<Optimizer> optimizer_;
  OptimizerOptions rates_;
  std::unique_ptr<Loader> loader_;
  Batch batch_;
  std::vector<torch::Tensor> carry_;
  uint64_t step_ = 0;
  int64_t epoch_ = 0, examples_ = 0;
  double loss_ = 0;
};

// Shares from a few steps more, which the profile makes a little slower.
void add_shares(Trainee& trainee, const InterleaveOptions& options, ModelResult& result) {
  Profile profile(0);
  InterleaveOptions few = options;
  few.rounds = std::clamp<int64_t>(options.rounds / 3, 1, 10);
  few.warm_up = 0;
  const auto timings = interleave({{"step", [&] { trainee.step(&profile); }, {}}}, few);
  double seconds = 0;
  for (const double value : timings[0].seconds) seconds += std::isnan(value) ? 0 : value;  // NaN: sat out
  result.phases = phase_shares(profile, seconds);
  result.parts = part_shares(profile, seconds);
}

}  // namespace

Batch random_batch(const Experiment& experiment) {
  const auto& data = experiment.options.data;
  const DataShape shape = datasets().of(data).find(data.kind).shape(data.settings, {"data", "data." + data.kind});
  const int64_t B = loader_options(experiment, Split::kTrain).batch;
  const RandomKey key{experiment.seed(), 0};
  const auto whole_numbers = [&](const char* name, torch::IntArrayRef sizes, int64_t bound) {
    const auto draw = RandomStream(name).uniform(key, sizes).to(torch::kFloat64) * static_cast<double>(bound);
    return draw.to(torch::kInt64).clamp_max(bound - 1);
  };
  Batch batch;
  batch.index_B = torch::arange(B);
  if (shape.is_text()) {
    const auto text = whole_numbers("bench.text", {B, shape.length + 1}, shape.vocabulary);
    batch.inputs = text.narrow(1, 0, shape.length).contiguous();
    const bool is_next_symbol = shape.num_classes == shape.vocabulary;
    batch.label_B = is_next_symbol ? text.narrow(1, 1, shape.length).contiguous()
                                   : whole_numbers("bench.labels", {B}, shape.num_classes);
    return batch;
  }
  batch.inputs =
      RandomStream("bench.images").normal(key, {B, shape.channels, shape.height, shape.width}).to(experiment.dtype());
  batch.label_B = whole_numbers("bench.labels", {B}, shape.num_classes);
  if (shape.is_paired()) batch.text_BS = whole_numbers("bench.text", {B, shape.length}, shape.vocabulary);
  return batch;
}

ModelBench measure_models(const std::vector<ModelSubject>& subjects, const InterleaveOptions& options) {
  std::vector<std::unique_ptr<Trainee>> trainees;
  std::vector<Work> works;
  std::vector<double> peak_bytes;
  for (const auto& subject : subjects) {
    trainees.push_back(std::make_unique<Trainee>(subject));
    peak_bytes.push_back(trainees.back()->peak_bytes());
    works.push_back({subject.name, [trainee = trainees.back().get()] { trainee->step(); }, {}});
  }
  for (auto& work : machine_works()) works.push_back(std::move(work));
  const auto timings = interleave(works, options);
  ModelBench bench;
  bench.machine = machine_rates(timings);
  for (size_t i = 0; i < subjects.size(); ++i) {
    auto result = trainees[i]->result(subjects[i].name);
    result.timing = timings[i];
    result.peak_bytes = peak_bytes[i];
    add_shares(*trainees[i], options, result);
    bench.models.push_back(std::move(result));
  }
  return bench;
}

}  // namespace heterodyne::cli
