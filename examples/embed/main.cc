// A trained model in a program of one's own: loads it, classifies images of its test split, and looks at which experts
// worked on them.
//
//   embed MODEL [FOLDER...]     a run's folder or a checkpoint's; where the data set's files lie, if it has any
//
// Letters: B examples, Y classes.
#include <algorithm>
#include <iomanip>
#include <iostream>

#include "heterodyne/eval/metrics.h"
#include "heterodyne/train/load_model.h"

using namespace heterodyne;

// The logits of one batch; `log` sees the routing when there is one.
torch::Tensor classify(const TrainedModel& model, Batch& batch, RoutingLog* log) {
  const torch::NoGradGuard no_grad;
  batch.inputs = batch.inputs.to(model.experiment.dtype());
  return model.network->forward(batch, log).logit_BY;
}

// Four images one by one: their logits, and how many tokens each expert got.
void show_some(const TrainedModel& model, const Dataset& dataset) {
  Batch batch = dataset.get(Split::kTest, torch::arange(std::min<int64_t>(4, dataset.size(Split::kTest))));
  RoutingLog log;
  const auto logit_BY = classify(model, batch, &log);
  for (int64_t b = 0; b < batch.size(); ++b) {
    std::cout << "image " << b << "  " << dataset.class_names()[static_cast<size_t>(batch.label_B[b].item<int64_t>())]
              << "  logits";
    for (int64_t y = 0; y < logit_BY.size(1); ++y) std::cout << " " << logit_BY[b][y].item<double>();
    std::cout << "\n";
  }
  for (const auto& layer : log.layers) {
    std::cout << layer.layer << "  tokens per expert";
    for (int64_t e = 0; e < layer.tokens_per_expert_E.size(0); ++e)
      std::cout << " " << layer.tokens_per_expert_E[e].item<int64_t>();
    std::cout << "\n";
  }
}

// All of them, in batches: the numbers of `heterodyne eval`.
void measure(const TrainedModel& model, const Dataset& dataset) {
  constexpr int64_t kBatch = 100;
  const int64_t size = dataset.size(Split::kTest);
  ClassificationMetrics metrics;
  for (int64_t begin = 0; begin < size; begin += kBatch) {
    Batch batch = dataset.get(Split::kTest, torch::arange(begin, std::min(begin + kBatch, size)));
    metrics.add(classify(model, batch, nullptr), batch.label_B);
  }
  std::cout << "accuracy " << metrics.accuracy() << "  loss " << metrics.loss() << "  over " << size << " images\n";
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: embed MODEL [FOLDER...]\n";
    return 2;
  }
  try {
    const TrainedModel model = load_model(argv[1]);
    const auto dataset = make_dataset(model.experiment, {argv + 2, argv + argc}, {});
    std::cout << std::fixed << std::setprecision(6);
    show_some(model, *dataset);
    measure(model, *dataset);
  } catch (const Error& error) {
    std::cerr << "embed: error: " << error.what() << "\n";
    return 1;
  }
}
