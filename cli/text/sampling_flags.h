// Sampling flags: how a language model's next tokens are chosen, and by how many experts; of every verb that writes
// text.
#pragma once

#include "heterodyne/base/batch.h"
#include "heterodyne/base/fields.h"
#include "heterodyne/eval/generate.h"

namespace heterodyne::cli {

struct SamplingFlags {
  int64_t tokens = 200;
  double temperature = 0.8;
  int64_t top_k = 0;
  double top_p = 1;
  int64_t seed = 1;
  int64_t route_k = 0;
  double route_min_p = 0;
  double route_threshold = 0;
  void visit(Fields& field);

  SamplingOptions sampling() const { return {temperature, top_k, top_p, static_cast<uint64_t>(seed)}; }
  /// Throws ConfigError of `verb` when several are given.
  RouteOverride route(const std::string& verb) const;
};

}  // namespace heterodyne::cli
