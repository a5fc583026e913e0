// Measures how quickly a language model reads a prompt and goes on with it, token by token, in float32 and with compact
// weights, against the speed at which this machine reads memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/bench/interleave.h"
#include "cli/bench/machine.h"
#include "heterodyne/base/rows.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne::cli {

struct TextShape {
  int64_t prompt = 128;  // tokens that are read at once; fewer where the model accepts fewer
  int64_t made = 32;     // tokens that are made after them
};

struct TextResult {
  std::string name;
  TextShape shape;
  struct Format {
    std::string weights;        // "float32", "bf16", ...
    double bytes = 0;           // of all parameters
    double bytes_of_token = 0;  // that one token must read: all but embeddings and experts it does not choose
    Timing prompt, made;
  };
  std::vector<Format> formats;
  MachineRates machine;

  /// Tokens/s, of the median turn.
  double prompt_rate(const Format& format) const;
  double made_rate(const Format& format) const;
  /// How near the making of tokens comes to reading their weights as fast as memory is read, the median of the turns.
  double share_of_memory(const Format& format) const;
};

/// Makes the network anew for each format; undefined for one with fresh values.
using NetworkSource = std::function<std::shared_ptr<Network>()>;

/// Throws ConfigError unless the experiment is of a causal language model.
TextResult measure_text(const std::string& name, const Experiment& experiment, const InterleaveOptions& options,
                        const NetworkSource& source = {});

Rows text_speed_rows(const std::vector<TextResult>& results);
Array text_speed_objects(const std::vector<TextResult>& results);

}  // namespace heterodyne::cli
