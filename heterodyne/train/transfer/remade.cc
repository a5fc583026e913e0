#include "heterodyne/train/transfer/remade.h"

#include <algorithm>
#include <limits>
#include <map>

#include "heterodyne/model/load.h"

namespace heterodyne {
namespace {

torch::Tensor random_text(const RandomStream& stream, int64_t rows, const DataShape& data) {
  constexpr int64_t kTokens = 256;  // at most, but beside images, which come with texts of one length
  const int64_t length = data.is_paired() ? data.length : std::min(kTokens, data.length);
  const auto drawn = stream.uniform({1, 0}, {rows, length}) * static_cast<double>(data.vocabulary);
  return drawn.to(torch::kInt64).clamp_max(data.vocabulary - 1);
}

}  // namespace

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
  constexpr int64_t kRows = 4;
  const RandomStream stream("parity");
  Batch batch;
  if (data.is_text()) {
    batch.inputs = random_text(stream, kRows, data);
  } else {
    batch.inputs = stream.normal({1, 0}, {kRows, data.channels, data.height, data.width});
  }
  if (data.is_paired()) batch.text_BS = random_text(stream, kRows, data);
  return batch;
}

double disparity(Network& a, Network& b, const DataShape& data) {
  const Batch batch = random_batch(data);
  const torch::NoGradGuard no_grad;
  const auto first = a.forward(batch, nullptr).logit_BY, second = b.forward(batch, nullptr).logit_BY;
  if (first.sizes() != second.sizes()) return std::numeric_limits<double>::infinity();
  return (first - second).abs().max().item<double>();
}

}  // namespace heterodyne
