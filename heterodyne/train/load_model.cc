#include "heterodyne/train/load_model.h"

#include <filesystem>

#include "heterodyne/nn/undrawn.h"
#include "heterodyne/train/run_folder.h"

namespace heterodyne {

TrainedModel load_model(const std::string& model, const Families& families, const Log& log) {
  auto checkpoint = read_checkpoint(find_checkpoint(model, log));
  auto experiment = experiment_of(checkpoint, families);
  auto network = [&] {
    const nn::Undrawn undrawn;  // the checkpoint has every value
    return make_network(experiment);
  }();
  load_checkpoint(checkpoint, *network, nullptr);
  network->eval();
  return {std::move(experiment), std::move(checkpoint), std::move(network)};
}

void save_model(const std::string& folder, const Experiment& experiment, Network& network) {
  save_checkpoint(std::filesystem::absolute(folder).string(), network,
                  *optimizers().make(experiment.options.train.optimizer), {}, experiment);
}

}  // namespace heterodyne
