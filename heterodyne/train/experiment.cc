#include "heterodyne/train/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/model_template.h"
#include "heterodyne/model/compact.h"
#include "heterodyne/train/phases.h"

namespace heterodyne {
namespace {

constexpr std::array kChangeable = {"data.workers",
                                    "train.epochs",
                                    "train.log_every",
                                    "train.tensorboard",
                                    "train.checkpoint.every_epochs",
                                    "train.checkpoint.every_steps",
                                    "train.checkpoint.keep"};

// A name becomes a folder, so it may not lead anywhere else.
void check_name(const Experiment& experiment, Problems& problems) {
  const std::string& name = experiment.options.name;
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  };
  if (!name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), plain)) return;
  const Value* value = experiment.resolved.find("name");
  problems.add(value ? value->position() : Position{}, "", "name",
               "expected letters, digits, '-', '_' and '.', not beginning with '.', got \"" + name + "\"");
}

// Only the setting's place in the tree is compared, not where it was written.
std::string conflict_in(const Value* before, const Value* now, const std::string& path, const std::string& when) {
  if (std::find(kChangeable.begin(), kChangeable.end(), path) != kChangeable.end()) return "";
  if (before && now && before->if_table() && now->if_table()) {
    std::vector<std::string> keys = before->if_table()->keys();
    for (const auto& key : now->if_table()->keys()) {
      if (!before->if_table()->contains(key)) keys.push_back(key);
    }
    for (const auto& key : keys) {
      const std::string inner = path.empty() ? key : path + "." + key;
      const std::string conflict = conflict_in(before->if_table()->find(key), now->if_table()->find(key), inner, when);
      if (!conflict.empty()) return conflict;
    }
    return "";
  }
  if (before && now && *before == *now) return "";
  const auto text = [](const Value* value) { return value ? write_value(*value) : std::string("not set"); };
  return fmt::format("{} was {}{}, is {} now", path, text(before), when, text(now));
}

// Symbols called by their numbers, as those of a model whose tokenizer is not known.
bool has_numbers_alone(const Vocabulary& vocabulary) {
  for (size_t i = 0; i < vocabulary.size(); ++i) {
    if (vocabulary[i] != std::to_string(i)) return false;
  }
  return true;
}

void check_vocabulary(const Experiment& experiment, const Vocabulary& read) {
  const Vocabulary& known = experiment.vocabulary;
  if (known == read) return;
  if (has_numbers_alone(known))
    throw FormatError(
        "data." + experiment.options.data.kind,
        fmt::format("vocabulary: the model came without a tokenizer, so no text can be turned into its {} "
                    "symbols; import it again with tokenizer.json or tokenizer.model beside its weights",
                    with_commas(static_cast<int64_t>(known.size()))));
  // A model may have room for more symbols than its tokenizer uses.
  const bool begins_alike = known.size() >= read.size() && std::equal(read.begin(), read.end(), known.begin());
  if (begins_alike && !known.definition.empty() && known.definition == read.definition) return;
  if (begins_alike && known.size() == read.size())
    throw FormatError("data." + experiment.options.data.kind,
                      "tokenizer: expected the one that the model was trained with, got another with the same symbols");
  const auto differ = std::mismatch(known.begin(), known.end(), read.begin(), read.end());
  throw FormatError("data." + experiment.options.data.kind,
                    fmt::format("vocabulary: expected the {} symbols that the model was trained on, got {}; they "
                                "differ from symbol {} on",
                                with_commas(static_cast<int64_t>(known.size())),
                                with_commas(static_cast<int64_t>(read.size())), differ.first - known.begin()));
}

// A data set that knows no classes, or does not heed the setting, would go on with other examples than were asked for.
void check_per_class(const Experiment& experiment, const Dataset& dataset, int64_t per_class) {
  const auto num_classes = static_cast<int64_t>(dataset.class_names().size());
  if (per_class == 0 || (num_classes > 0 && dataset.size(Split::kTrain) == per_class * num_classes)) return;
  throw ConfigError("data." + experiment.options.data.kind, "per_class",
                    "has no effect on this data set; expected 0, got " + std::to_string(per_class));
}

// What every data set has.
DataOptions shared_options(const Experiment& experiment) {
  Table shared;
  for (const char* key : {"batch", "validation", "per_class", "per_class_seed", "workers"}) {
    if (const Value* value = experiment.options.data.settings.find(key)) shared.set(key, *value);
  }
  return read_options<DataOptions>(shared, {"data", "data"});
}

// What is held in half of the memory cannot begin to learn, be averaged, or be copied into other experts.
void check_frozen_dtype(const TrainOptions& options) {
  if (options.frozen_dtype == "float32") return;
  const auto refuse = [&](const char* setting) {
    throw ConfigError("train", "frozen_dtype",
                      fmt::format("expected float32 beside {}, got {}", setting, options.frozen_dtype));
  };
  if (options.head.epochs > 0) refuse("head.epochs above 0");
  if (options.average.decay > 0) refuse("average.decay above 0");
  if (options.grower.kind != "none") refuse("a grower");
  if (options.dtype != "float32") refuse("dtype = \"float64\"");
}

void check_learning_dtype(const TrainOptions& options) {
  if (options.learning_dtype == "float32" || options.dtype == "float32") return;
  throw ConfigError(
      "train", "learning_dtype",
      fmt::format("expected float32 beside dtype = \"{}\", got {}", options.dtype, options.learning_dtype));
}

// A setting that is text; "" where it is not there.
std::string text_setting(const Experiment& experiment, const char* path) {
  const Value* found = experiment.resolved.find_path(path);
  return found && found->if_text() ? *found->if_text() : "";
}

}  // namespace

Experiment read_experiment(const Table& config, const Families& families) {
  Experiment experiment;
  Problems problems;
  const Place top{"", "", families};
  experiment.resolved = Schema::of<ExperimentOptions>().resolve(config, top, problems);
  const Value* name = config.find("name");
  if (name && name->if_text()) {
    experiment.options.name = *name->if_text();
    check_name(experiment, problems);
  }
  problems.throw_if_any();
  experiment.options = read_options<ExperimentOptions>(config, top);
  check_frozen_dtype(experiment.options.train);
  check_learning_dtype(experiment.options.train);
  return experiment;
}

std::unique_ptr<Dataset> make_dataset(const Experiment& experiment, const std::vector<std::string>& folders,
                                      const Log& log) {
  const DataOptions shared = shared_options(experiment);
  DataContext context{folders, shared.validation, log, shared.batch};
  context.per_class = {shared.per_class, shared.per_class_seed};
  context.vocabulary = experiment.vocabulary;
  auto dataset = datasets().make(experiment.options.data, context);
  check_per_class(experiment, *dataset, shared.per_class);
  if (dataset->vocabulary() && !experiment.vocabulary.empty()) check_vocabulary(experiment, *dataset->vocabulary());
  return dataset;
}

void take_vocabulary(Experiment& experiment, const Dataset& dataset) {
  // One that is known may have room for more symbols than the data set's tokenizer, and make_dataset() compared them.
  if (dataset.vocabulary() && experiment.vocabulary.empty()) experiment.vocabulary = *dataset.vocabulary();
  const std::string tokenizer = text_setting(experiment, "data.tokenizer.path");
  const std::string folder = std::filesystem::path(tokenizer).parent_path().string();
  const std::string own_template = text_setting(experiment, "data.template");
  if (chat_form(experiment) == "model" && !own_template.empty())
    experiment.tokenizer_config = tokenizer_config_with(own_template, folder);
  else if (experiment.tokenizer_config.empty() && !tokenizer.empty())
    experiment.tokenizer_config = read_tokenizer_config(folder);
}

std::string chat_form(const Experiment& experiment) {
  return experiment.options.data.kind == "instruct" ? text_setting(experiment, "data.form") : "";
}

std::shared_ptr<Tokenizer> tokenizer_of(const Experiment& experiment) {
  const auto& data = experiment.options.data;
  if (experiment.vocabulary.empty())
    throw ConfigError("model", "data.kind", "expected a model of text, got one of \"" + data.kind + "\"");
  Member tokenizer(Table{{"kind", "byte"}});
  if (const Value* chosen = experiment.resolved.find_path("data.tokenizer")) tokenizer = Member(*chosen->if_table());
  return tokenizers().of(data).make(tokenizer, experiment.vocabulary);
}

DataShape network_shape(const Experiment& experiment) {
  const auto& data = experiment.options.data;
  DataShape shape = datasets().of(data).find(data.kind).shape(data.settings, {"data", "data." + data.kind});
  if (experiment.vocabulary.empty()) return shape;
  const bool predicts_symbols = shape.num_classes == shape.vocabulary;
  shape.vocabulary = static_cast<int64_t>(experiment.vocabulary.size());
  if (predicts_symbols) shape.num_classes = shape.vocabulary;
  return shape;
}

std::shared_ptr<Network> make_network(const Experiment& experiment) {
  const DataShape shape = network_shape(experiment);
  const Member& model = experiment.options.model;
  if (shape.is_paired() && !networks().of(model).find(model.kind).reads_pairs)
    throw ConfigError(
        "model", "kind",
        fmt::format("expected a network that reads images with texts, as the data \"{}\" are, got \"{}\", "
                    "which would read the images alone",
                    experiment.options.data.kind, model.kind));
  auto network = networks().make(experiment.options.model, NetworkContext{shape, experiment.seed()});
  for (const MoeLayer* layer : network->moe_layers()) layer->check_data(shape.is_text());
  check_phases(experiment.options.train, *network);
  network->to(experiment.dtype());
  network->train();
  return network;
}

void round_learning(const Experiment& experiment, Network& network) {
  if (experiment.options.train.learning_dtype == "bf16") round_products(network, ops::Compact::kBf16);
}

LoaderOptions loader_options(const Experiment& experiment, Split split) {
  LoaderOptions options;
  const DataOptions shared = shared_options(experiment);
  options.batch = shared.batch;
  options.workers = shared.workers;
  options.shuffle = options.augment = options.needs_full_batch = split == Split::kTrain;
  options.seed = experiment.seed();
  options.where = "data." + experiment.options.data.kind;
  return options;
}

int64_t nominal_train_size(const Experiment& experiment) {
  const auto& data = experiment.options.data;
  const int64_t all = datasets().of(data).find(data.kind).num_train(data.settings, {"data", "data." + data.kind});
  const int64_t per_class = shared_options(experiment).per_class;
  if (per_class > 0) return per_class * network_shape(experiment).num_classes;
  double validation = DataOptions().validation;
  if (const Value* value = experiment.resolved.find_path("data.validation")) {
    if (value->if_real()) validation = *value->if_real();
  }
  return all - std::llround(validation * static_cast<double>(all));
}

std::string resume_conflict(const Table& before, const Table& now, const std::string& when) {
  const Value old_value(before), new_value(now);
  return conflict_in(&old_value, &new_value, "", when);
}

}  // namespace heterodyne
