// Settings of a training run: the `train` section of a configuration.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/train/grower.h"
#include "heterodyne/train/growth/averages.h"
#include "heterodyne/train/optimizer.h"
#include "heterodyne/train/schedule.h"

namespace heterodyne {

struct CheckpointOptions {
  int64_t every_epochs = 1;
  int64_t every_steps = 0;
  int64_t keep = 3;
  std::string best = "valid.accuracy";
  void visit(Fields& field) {
    field("every_epochs", every_epochs, "epochs between two checkpoints; 0 for none", at_least(0));
    field("every_steps", every_steps, "steps between two checkpoints, beside those of epochs; 0 for none", at_least(0));
    field("keep", keep, "how many of the latest checkpoints stay, beside the best", at_least(1));
    field("best", best, "what the best checkpoint is best at",
          one_of("valid.accuracy", "valid.loss", "valid.positive_f1", "valid.matthews", "valid.pearson",
                 "valid.spearman"));
  }
};

struct EarlyStopOptions {
  int64_t patience = 0;
  void visit(Fields& field) {
    field("patience", patience, "validations without a new best after which the run ends; 0 for never", at_least(0));
  }
};

struct HeadPhaseOptions {
  double epochs = 0;
  double lr = 1e-3;
  std::vector<std::string> freeze = {"features.*"};
  void visit(Fields& field) {
    field("epochs", epochs, "passes over the training split before those of train.epochs; 0 for none", at_least(0));
    const bool is_used = epochs > 0;
    field("lr", lr, "learning rate meanwhile, before the schedule", more_than(0),
          effective_when(is_used, "epochs = 0"));
    field("freeze", freeze, "names of the parameters that stay as they are meanwhile, '*' for any text", list_or_none(),
          effective_when(is_used, "epochs = 0"));
  }
};

struct StartOptions {
  std::string from;
  std::vector<std::string> take = {"*"};
  std::vector<std::string> leave;
  void visit(Fields& field) {
    field("from", from,
          "a run's folder (its best checkpoint) or a checkpoint's, whose values training starts with; none by default");
    const bool is_used = !from.empty();
    field("take", take, "names of the tensors that are taken over, '*' for any text", list_or_one(),
          effective_when(is_used, "from is not set"));
    field("leave", leave, "names of those among them that keep their first values", list_or_none(),
          effective_when(is_used, "from is not set"));
  }
};

struct TrainOptions {
  double epochs = 10;
  StartOptions start;
  HeadPhaseOptions head;
  std::vector<std::string> freeze;
  std::string frozen_dtype = "float32";
  std::string learning_dtype = "float32";
  std::string dtype = "float32";
  int64_t accumulate = 1;
  Member optimizer{Table{{"kind", "adamw"}}};
  Member schedule{Table{{"kind", "constant"}}};
  Member grower{Table{{"kind", "none"}}};
  AverageOptions average;
  CheckpointOptions checkpoint;
  EarlyStopOptions early_stop;
  int64_t log_every = 50;
  bool tensorboard = true;
  bool test_at_end = false;
  bool keep_routing = false;
  void visit(Fields& field) {
    field("epochs", epochs, "passes over the training split; parts are allowed", more_than(0));
    field("start", start, "values of another run that training starts with");
    field("head", head, "a first phase in which a part of the network learns alone, such as its head");
    field("freeze", freeze, "names of the parameters that stay as they are, '*' for any text", list_or_none());
    field("frozen_dtype", frozen_dtype,
          "what matrices that learn nothing are held in: bf16 takes half of the memory; those under corrections of low "
          "rank, for instance",
          one_of("float32", "bf16"));
    field("learning_dtype", learning_dtype,
          "what matrices that learn are multiplied as: bf16 rounds them to it after every step, and float32 values "
          "behind them take the steps",
          one_of("float32", "bf16"));
    field("dtype", dtype, "what weights and activations are held in", one_of("float32", "float64"));
    field("accumulate", accumulate, "batches whose gradients make one step", at_least(1));
    field("optimizer", optimizer, "turns gradients into steps", member_of(optimizers()));
    field("schedule", schedule, "the learning rate of each step", member_of(schedules()));
    field("grower", grower, "decides when experts come and go", member_of(growers()));
    field("average", average, "a moving average of the weights beside them");
    field("checkpoint", checkpoint, "when checkpoints are written and which stay");
    field("early_stop", early_stop, "when a run ends before its last epoch");
    field("log_every", log_every, "steps between two lines of training metrics", at_least(1));
    field("tensorboard", tensorboard, "whether metrics are written for TensorBoard too");
    field("test_at_end", test_at_end, "whether the best checkpoint is evaluated on the test split at the end");
    field("keep_routing", keep_routing, "whether the routing statistics of every validation stay, not only the last");
  }
};

}  // namespace heterodyne
