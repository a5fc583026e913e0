#include "heterodyne/eval/measure_routing.h"

#include "heterodyne/eval/evaluate.h"
#include "heterodyne/eval/knock_out.h"
#include "heterodyne/eval/latency.h"
#include "heterodyne/eval/random_router.h"
#include "heterodyne/eval/similarity.h"

namespace heterodyne {
namespace {

PassOptions pass_of(const MeasureOptions& options, const std::string& name) {
  return {options.dtype, options.num_examples, [told = options.on_batch, name](int64_t num_batches) {
            if (told) told(name, num_batches);
            return true;
          }};
}

RecorderOptions recording_of(const Dataset& dataset, Split split, const MeasureOptions& options) {
  auto recording = recorder_options(dataset, split, options.seed);
  recording.num_sampled_tokens = options.num_sampled_tokens;
  auto& label = recording.label_of_example;
  if (options.num_examples > 0 && options.num_examples < label.numel())
    label = label.narrow(0, 0, options.num_examples);
  return recording;
}

}  // namespace

RoutingProfile measure_routing(Network& network, const Dataset& dataset, Split split, LoaderOptions loading,
                               const MeasureOptions& options) {
  loading.shuffle = loading.augment = loading.needs_full_batch = false;
  Loader loader(dataset, split, loading);
  const auto recording = recording_of(dataset, split, options);
  RoutingRecorder recorder(network, recording);
  const auto evaluation = evaluate(network, loader, pass_of(options, "routing"), &recorder);
  auto profile = profile_of(network, evaluation, &recorder);
  if (options.latency) profile.latency = measure_latency(network, dataset, split, loading, options.dtype);
  if (options.random_control) {
    profile.random_router =
        random_router_profile(network, loader, pass_of(options, "random router"), recording, options.seed + 1);
  }
  if (options.knock_out) {
    const auto results = knock_out(network, loader, pass_of(options, "knock-out"));
    for (size_t l = 0; l < results.size(); ++l) profile.layers[l].knock_out = results[l];
  }
  if (options.similarity) {
    const auto results = expert_similarity(network, loader, pass_of(options, "similarity"));
    for (size_t l = 0; l < results.size(); ++l) profile.layers[l].similarity = results[l];
  }
  return profile;
}

}  // namespace heterodyne
