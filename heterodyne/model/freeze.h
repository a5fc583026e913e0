// Freeze: parameters that stay as they are while others learn, by their names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "heterodyne/model/network.h"

namespace heterodyne {

/// Whether the whole name fits the pattern, in which '*' stands for any text, dots included, and '?' for one character.
bool fits_pattern(std::string_view name, std::string_view pattern);

/// Whether it fits one of them.
bool fits_any(std::string_view name, const std::vector<std::string>& patterns);

/// Where patterns are set, and what they are to fit: "train", "freeze", "parameters".
struct PatternSetting {
  std::string section, key, what;
};
/// Throws ConfigError about that setting when a pattern fits none of the names, with the nearest of them.
void check_patterns(const std::vector<std::string>& patterns, const std::vector<std::string>& names,
                    const PatternSetting& setting);

/// Throws ConfigError about the setting `key` of `train` when a pattern fits none of the network's parameters, naming
/// the nearest, or when all of them would be frozen.
void check_freeze(const torch::nn::Module& network, const std::vector<std::string>& patterns, const std::string& key);

/// Keeps parameters from learning: they require no gradient, so no optimizer moves them, no clipping counts them, and
/// batch normalisations among them stay in evaluation mode. Gives them back when it ends or freezes others.
class Freeze {
 public:
  Freeze() = default;
  Freeze(const Freeze&) = delete;
  Freeze& operator=(const Freeze&) = delete;
  ~Freeze() { thaw(); }

  /// From here on those whose names fit one of the patterns, and no others.
  void apply(torch::nn::Module& network, const std::vector<std::string>& patterns);
  void thaw();

 private:
  std::vector<torch::Tensor> frozen_;
};

}  // namespace heterodyne
