#include "heterodyne/train/transfer/remade.h"

#include <algorithm>
#include <map>

#include "heterodyne/model/load.h"

namespace heterodyne {

TrainedModel remade(const TrainedModel& model, Table settings) {
  Table config = model.experiment.resolved;
  config.set("model", std::move(settings));
  TrainedModel other{read_experiment(config), {}, nullptr};
  other.experiment.vocabulary = model.experiment.vocabulary;
  other.experiment.tokenizer_config = model.experiment.tokenizer_config;
  other.network = make_network(other.experiment);
  other.network->eval();
  return other;
}

void take_values(Network& to, const Network& from, std::string_view but) {
  const auto theirs = state_of(from);
  const std::map<std::string, torch::Tensor> value_of(theirs.begin(), theirs.end());
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_of(to)) {
    const auto found = value_of.find(name);
    if (found == value_of.end() || (!but.empty() && name.find(but) != std::string::npos)) continue;
    tensor.copy_(found->second);
  }
}

Batch random_batch(const DataShape& data) {
  constexpr int64_t kRows = 4, kTokens = 256;
  const RandomStream stream("parity");
  Batch batch;
  if (data.is_text()) {
    const int64_t length = std::min(kTokens, data.length);
    const auto drawn = stream.uniform({1, 0}, {kRows, length}) * static_cast<double>(data.vocabulary);
    batch.inputs = drawn.to(torch::kInt64).clamp_max(data.vocabulary - 1);
  } else {
    batch.inputs = stream.normal({1, 0}, {kRows, data.channels, data.height, data.width});
  }
  return batch;
}

double disparity(Network& a, Network& b, const DataShape& data) {
  const Batch batch = random_batch(data);
  const torch::NoGradGuard no_grad;
  const auto difference = (a.forward(batch, nullptr).logit_BY - b.forward(batch, nullptr).logit_BY).abs().max();
  return difference.item<double>();
}

}  // namespace heterodyne
