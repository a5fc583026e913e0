// What tests of log-likelihoods share: the small pretrained LLaMA that other libraries' numbers are about.
#pragma once

#include <memory>
#include <optional>

#include "heterodyne/data/tokenizer_file.h"
#include "heterodyne/io/file.h"
#include "heterodyne/io/fixtures.h"
#include "heterodyne/io/json.h"
#include "heterodyne/model/foreign/transfer.h"

namespace heterodyne::fixtures {

struct Stories {
  std::shared_ptr<Network> network;  // in eval mode
  std::shared_ptr<Tokenizer> tokenizer;
};

/// stories260K of the real data; nothing where they are not.
inline std::optional<Stories> find_stories() {
  const auto folder = find_real_data("models/stories260K");
  if (!folder) return std::nullopt;
  const std::string config = *folder + "/config.json";
  const auto blueprint = read_blueprint(io::parse_json_table(io::read_file(config), config), config);
  Stories stories{networks().make(Member(blueprint.model), NetworkContext{blueprint.data, 1}),
                  make_defined_tokenizer(read_tokenizer_file(*folder + "/tokenizer.json"), "stories260K")};
  stories.network->eval();
  fill_network(*stories.network, blueprint, io::TensorFiles(*folder));
  return stories;
}

}  // namespace heterodyne::fixtures
