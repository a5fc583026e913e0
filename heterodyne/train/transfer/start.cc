#include "heterodyne/train/transfer/start.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "heterodyne/base/error.h"
#include "heterodyne/base/shape.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/json.h"
#include "heterodyne/layer/resize.h"
#include "heterodyne/model/blocks/lora_section.h"
#include "heterodyne/model/freeze.h"
#include "heterodyne/model/load.h"

namespace heterodyne {
namespace {

bool is_wanted(const std::string& name, const StartOptions& options) {
  return fits_any(name, options.take) && !fits_any(name, options.leave);
}

std::vector<std::string> names_of(const Network& network) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state_of(network)) names.push_back(name);
  return names;
}

// The source's experts in the layers of which something is taken.
void take_topology(Network& network, const StartOptions& options, const TrainedModel& source) {
  const Table experts = topology_of(*source.network);
  const auto names = names_of(*source.network);
  for (MoeLayer* layer : network.moe_layers()) {
    const std::string prefix = layer->layer_name() + ".";
    const Value* theirs = experts.find(layer->layer_name());
    const bool is_taken = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return name.starts_with(prefix) && is_wanted(name, options);
    });
    if (is_taken && theirs && theirs->if_table() && !(*theirs->if_table() == topology(*layer)))
      set_topology(*layer, *theirs->if_table(), source.checkpoint.folder);
  }
}

}  // namespace

Table StartReport::table() const {
  return {{"from", from},
          {"step", step},
          {"values", num_values},
          {"taken_values", num_taken_values},
          {"taken", Array(taken.begin(), taken.end())},
          {"kept", Array(kept.begin(), kept.end())}};
}

std::string StartReport::json() const { return io::write_json(table(), 1) + "\n"; }

std::string StartReport::text() const {
  constexpr size_t kMost = 6;
  std::vector<std::string> some(kept.begin(), kept.begin() + static_cast<int64_t>(std::min(kMost, kept.size())));
  std::string rest = some.empty() ? "" : "; at their first values: " + join(some);
  if (kept.size() > kMost) rest += fmt::format(" and {} more", kept.size() - kMost);
  return fmt::format("{} of {} tensors ({} of {} values) as in {}{}", taken.size(), taken.size() + kept.size(),
                     with_commas(num_taken_values), with_commas(num_values), from, rest);
}

std::optional<TrainedModel> start_source(const Experiment& experiment, const Families& families, const Log& log) {
  const std::string& from = experiment.options.train.start.from;
  if (from.empty()) return std::nullopt;
  try {
    return load_model(from, families, log);
  } catch (const FormatError& error) {
    throw FormatError("train.start", std::string("from: ") + error.what());
  }
}

void take_start_vocabulary(Experiment& experiment, const TrainedModel& source) {
  const Vocabulary& symbols = source.experiment.vocabulary;
  if (symbols.empty() || !network_shape(experiment).is_text()) return;
  for (const auto& [name, tensor] : state_of(*source.network)) {
    const bool is_of_symbols = tensor.dim() > 0 && tensor.size(0) == static_cast<int64_t>(symbols.size());
    if (!is_of_symbols || !is_wanted(name, experiment.options.train.start)) continue;
    experiment.vocabulary = symbols;
    experiment.tokenizer_config = source.experiment.tokenizer_config;
    return;
  }
}

void check_start(const StartOptions& options, const Network& network) {
  const auto names = names_of(network);
  check_patterns(options.take, names, {"train", "start.take", "the network's tensors"});
  check_patterns(options.leave, names, {"train", "start.leave", "the network's tensors"});
  if (std::any_of(names.begin(), names.end(), [&](const auto& name) { return is_wanted(name, options); })) return;
  throw ConfigError("train", "start.leave", "expected patterns that leave a tensor to be taken over, got all");
}

StartReport start_from(Network& network, const StartOptions& options, const TrainedModel& source) {
  take_topology(network, options, source);
  check_start(options, network);
  const auto theirs = state_of(*source.network);
  const std::map<std::string, torch::Tensor> value_of(theirs.begin(), theirs.end());
  StartReport report;
  report.from = source.checkpoint.folder;
  report.step = source.checkpoint.state.step;
  std::vector<std::pair<torch::Tensor, torch::Tensor>> copies;  // to, from
  int64_t num_different = 0;
  std::string first;
  for (const auto& [name, tensor] : state_of(network)) {
    report.num_values += tensor.numel();
    if (!is_wanted(name, options)) {
      report.kept.push_back(name);
      continue;
    }
    const auto found = value_of.find(name);
    if (found == value_of.end() && is_lora_name(name)) {
      report.kept.push_back(name);
      continue;
    }
    if (found == value_of.end() || found->second.sizes() != tensor.sizes()) {
      if (num_different++ == 0)
        first = fmt::format("{}: expected {}, got {}", name, shape_text(tensor),
                            found == value_of.end() ? "none of that name" : shape_text(found->second));
      continue;
    }
    report.taken.push_back(name);
    report.num_taken_values += tensor.numel();
    copies.emplace_back(tensor, found->second);
  }
  if (num_different > 0)
    throw FormatError::in_file(
        report.from, fmt::format("{} of {} tensors to be taken over differ from the network's, first {}. What is to "
                                 "keep its first values: train.start.leave",
                                 num_different, static_cast<int64_t>(copies.size()) + num_different, first));
  const torch::NoGradGuard no_grad;
  for (auto& [to, from] : copies) to.copy_(from);
  return report;
}

}  // namespace heterodyne
