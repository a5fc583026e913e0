#include "cli/watchers.h"

namespace heterodyne::cli {

Watchers::Watchers(const Session& session, Terminal& terminal)
    : uses_tensorboard_(session.experiment.options.train.tensorboard),
      metrics_(session.folder.file("metrics.jsonl")),
      growth_(session.folder.file("experts.jsonl")),
      loads_(*session.network, session.experiment.resolved, terminal.log()),
      routing_(session.folder.path(), session.experiment.options.train.keep_routing, terminal.log()),
      tensorboard_(session.folder.path(), terminal.log()),
      progress_(terminal, task_words(session.experiment, *session.network)) {}

std::vector<Hook*> Watchers::hooks() {
  std::vector<Hook*> hooks = {&metrics_, &growth_, &loads_, &routing_, &progress_};
  if (uses_tensorboard_) hooks.push_back(&tensorboard_);
  return hooks;
}

}  // namespace heterodyne::cli
