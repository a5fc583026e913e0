// A small dense LLaMA and texts for the tests of this room.
#pragma once

#include <memory>

#include "heterodyne/base/random.h"
#include "heterodyne/model/network.h"

namespace heterodyne::fixtures {

constexpr int64_t kSymbols = 11;

/// Two layers of 24 neurons.
inline Table llama_settings() {
  return Table{{"kind", "llama"},
               {"width", 8},
               {"layers", 2},
               {"heads", 2},
               {"dense", Table{{"kind", "swiglu"}, {"hidden", 24}}}};
}

inline std::shared_ptr<Network> network_of(const Table& settings, torch::Dtype dtype) {
  NetworkContext context;
  context.data.vocabulary = context.data.num_classes = kSymbols;
  context.data.length = 8;
  context.seed = 3;
  auto network = networks().make(Member(settings), context);
  network->to(dtype);
  network->eval();
  return network;
}
inline std::shared_ptr<Network> small_llama(torch::Dtype dtype) { return network_of(llama_settings(), dtype); }

inline Batch text_batch(int64_t B, int64_t S) {
  const auto draw = RandomStream("text").uniform({1, 0}, {B, S + 1});
  const auto token = (draw * kSymbols).to(torch::kInt64);
  Batch batch;
  batch.inputs = token.narrow(1, 0, S).contiguous();
  batch.label_B = token.narrow(1, 1, S).contiguous();
  batch.index_B = torch::arange(B);
  return batch;
}

}  // namespace heterodyne::fixtures
