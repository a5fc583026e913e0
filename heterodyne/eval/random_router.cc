#include "heterodyne/eval/random_router.h"

#include <memory>

#include "heterodyne/eval/evaluate.h"

namespace heterodyne {

std::vector<LayerProfile> random_router_profile(Network& network, Loader& loader, const PassOptions& pass,
                                                const RecorderOptions& options, uint64_t seed) {
  std::vector<std::unique_ptr<RouterStandIn>> stand_ins;
  for (MoeLayer* layer : network.moe_layers()) {
    const auto router = layer->make_router(Init{seed, layer->layer_name()}.at("router"));
    router->to(pass.dtype);
    stand_ins.push_back(std::make_unique<RouterStandIn>(*layer, router));
  }
  RoutingRecorder recorder(network, options);
  evaluate(network, loader, pass, &recorder);
  return recorder.layers();
}

}  // namespace heterodyne
