// Experiment: a whole configuration, checked, with every default filled in, and what is made from it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "heterodyne/base/table.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/data/loader.h"
#include "heterodyne/data/tokenizer.h"
#include "heterodyne/model/network.h"
#include "heterodyne/train/options.h"

namespace heterodyne {

struct ExperimentOptions {
  std::string name;
  int64_t seed = 1;
  Member data;
  Member model;
  TrainOptions train;
  void visit(Fields& field) {
    field("name", name, "what the run is called; its folder by default", required());
    field("seed", seed, "of initial values, data order and every other draw", at_least(0));
    field("data", data, "what is learned from", member_of(datasets()), required());
    field("model", model, "the network", member_of(networks()), required());
    field("train", train, "how it is trained");
  }
};

struct Experiment {
  ExperimentOptions options;
  Table resolved;  // every setting that has an effect, defaults included, each with the place where it was written
  Vocabulary vocabulary = {};         // of a text, once it was read
  std::string tokenizer_config = {};  // of a model that brings a chat template: see data/model_template.h

  uint64_t seed() const { return static_cast<uint64_t>(options.seed); }
  torch::Dtype dtype() const { return options.train.dtype == "float64" ? torch::kFloat64 : torch::kFloat32; }
};

/// Checks everything that can be checked without data. `families` are the program's own, see families.h. Throws one
/// ConfigError with all complaints.
Experiment read_experiment(const Table& config, const Families& families = {});

/// Throws FormatError when the experiment has a vocabulary and the data set another one: its model would read other
/// symbols than it learned.
std::unique_ptr<Dataset> make_dataset(const Experiment& experiment, const std::vector<std::string>& folders,
                                      const Log& log);
/// Takes over the data set's vocabulary, when it has one, the chat template that its settings name, and, unless there
/// is one, that beside the tokenizer's file.
void take_vocabulary(Experiment& experiment, const Dataset& dataset);
/// How the conversations were written that the model is tuned on: a name of chat_template_names(), or "model" for the
/// template that it brings. "" where it is tuned on none.
std::string chat_form(const Experiment& experiment);
/// The tokenizer that the experiment's model of text was made with. Throws ConfigError when it is no model of text.
std::shared_ptr<Tokenizer> tokenizer_of(const Experiment& experiment);
/// What the network is told of its data. Of a text whose vocabulary is not known yet, as many symbols as it may have.
DataShape network_shape(const Experiment& experiment);
/// With initial values from the experiment's seed, in its dtype, in train mode.
std::shared_ptr<Network> make_network(const Experiment& experiment);
/// Has what learns multiplied in the experiment's `train.learning_dtype`, and what came since the last call.
void round_learning(const Experiment& experiment, Network& network);
/// Shuffled and augmented for the training split, in order for the others.
LoaderOptions loader_options(const Experiment& experiment, Split split);

/// Training examples when the data set is complete, without the validation share.
int64_t nominal_train_size(const Experiment& experiment);

/// The first setting in which two resolved experiments differ, but for those that a resumed run may change
/// (data.workers, train.epochs, train.log_every, train.tensorboard, train.checkpoint): "model.width was 128, is 256
/// now". Empty when there is none. `when` says when the one before held: " when step 8 was saved".
std::string resume_conflict(const Table& before, const Table& now, const std::string& when = "");

}  // namespace heterodyne
