#include "cli/bench/measure_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "heterodyne/base/error.h"
#include "heterodyne/eval/generate.h"
#include "heterodyne/model/compact.h"

namespace heterodyne::cli {
namespace {

// A model in one format, and the text that it is at.
struct Writer {
  std::shared_ptr<Network> network;
  std::vector<int64_t> prompt;
  int64_t made = 0;
  std::unique_ptr<Generator> text = {};

  void begin() { text = std::make_unique<Generator>(*network); }
  void read() { text->read(prompt); }
  void make(const std::function<void(const GeneratedToken&)>& on_token = {}) {
    SamplingOptions greedy;
    greedy.temperature = 0;
    for (int64_t i = 0; i < made; ++i) text->read({text->next(greedy)}, on_token);
  }
};

bool is_embedding(const std::string& name) { return name.find("embedding") != std::string::npos; }

// Parameters' bytes in float32, and of those what each token reads whichever experts it chooses. A tied head is the
// embedding.
struct Bytes {
  double always = 0, all = 0;
};

double bytes_of(const Expert& expert) {
  double bytes = 0;
  for (const auto& parameter : expert.parameters()) bytes += static_cast<double>(parameter.nbytes());
  return bytes;
}

Bytes bytes_of_network(Network& network) {
  Bytes bytes;
  bool has_head = false;
  double embedding = 0;
  for (const auto& parameter : network.named_parameters()) {
    const auto size = static_cast<double>(parameter.value().nbytes());
    bytes.all += size;
    has_head |= parameter.key().starts_with("head.");
    if (is_embedding(parameter.key())) embedding += size;
    else bytes.always += size;
  }
  if (!has_head) bytes.always += embedding;
  for (auto* layer : network.moe_layers()) {
    for (const auto& slot : layer->slots()) bytes.always -= bytes_of(*slot.expert);
  }
  return bytes;
}

// Of the experts that a token chooses, on average over those that are made.
double chosen_bytes(Network& network, Writer& writer) {
  std::vector<std::map<int64_t, double>> bytes_of_id;  // by layer
  for (auto* layer : network.moe_layers()) {
    auto& own = bytes_of_id.emplace_back();
    for (const auto& slot : layer->slots()) own[slot.id] = bytes_of(*slot.expert);
  }
  double bytes = 0;
  writer.begin();
  writer.read();
  writer.make([&](const GeneratedToken& token) {
    for (size_t l = 0; l < bytes_of_id.size(); ++l) {
      for (const int64_t id : token.experts[l]) bytes += bytes_of_id[l].at(id);
    }
  });
  return bytes / static_cast<double>(writer.made);
}

std::vector<int64_t> prompt_of(int64_t count, int64_t vocabulary) {
  const auto draw = RandomStream("bench.prompt").uniform({1, 0}, {count}) * static_cast<double>(vocabulary);
  const auto ids = draw.to(torch::kInt64).clamp(0, vocabulary - 1);
  return {ids.const_data_ptr<int64_t>(), ids.const_data_ptr<int64_t>() + count};
}

// As many tokens as the model accepts.
TextShape shape_of(const Experiment& experiment) {
  TextShape shape;
  const Value* context = experiment.resolved.find_path("model.context");
  const int64_t most = context && context->if_integer() ? *context->if_integer() : 0;
  if (most <= 0 || shape.prompt + shape.made <= most) return shape;
  shape.made = std::max<int64_t>(1, std::min(shape.made, most / 2));
  shape.prompt = std::max<int64_t>(1, most - shape.made);
  return shape;
}

double tokens_per_second(int64_t tokens, const Timing& timing) {
  return static_cast<double>(tokens) / spread_of(timing.seconds).median;
}

double at_places(double value, double places) { return std::round(value * places) / places; }

}  // namespace

double TextResult::prompt_rate(const Format& format) const { return tokens_per_second(shape.prompt, format.prompt); }
double TextResult::made_rate(const Format& format) const { return tokens_per_second(shape.made, format.made); }
double TextResult::share_of_memory(const Format& format) const {
  return machine.share_of_reading(static_cast<double>(shape.made) * format.bytes_of_token, format.made);
}

TextResult measure_text(const std::string& name, const Experiment& experiment, const InterleaveOptions& options,
                        const NetworkSource& source) {
  const auto shape_of_data = network_shape(experiment);
  if (!shape_of_data.is_text())
    throw ConfigError(
        fmt::format("bench decode: {}: expected a language model or the id of a shape, got another model", name));
  TextResult result;
  result.name = name;
  result.shape = shape_of(experiment);
  auto works = machine_works();
  std::vector<std::optional<ops::Compact>> wanted{std::nullopt};
  for (const ops::Compact format : ops::compact_formats()) wanted.emplace_back(format);
  for (const auto& format : wanted) {
    const auto writer = std::make_shared<Writer>();
    writer->network = source ? source() : make_network(experiment);
    writer->network->eval();
    writer->prompt = prompt_of(result.shape.prompt, shape_of_data.vocabulary);
    writer->made = result.shape.made;
    const Bytes plain = bytes_of_network(*writer->network);
    TextResult::Format found;
    found.weights = format ? std::string(ops::name_of(*format)) : "float32";
    const double chosen = chosen_bytes(*writer->network, *writer);
    double saved = 1;  // of what is compact: nearly all
    if (format) {
      const auto report = compact_weights(*writer->network, *format);
      saved = static_cast<double>(report.bytes_after) / static_cast<double>(report.bytes_before);
    }
    found.bytes = saved * plain.all;
    found.bytes_of_token = saved * (plain.always + chosen);
    writer->begin();
    works.push_back({"read " + found.weights, [writer] { writer->read(); }, [writer] { writer->begin(); }});
    works.push_back({"make " + found.weights, [writer] { writer->make(); },
                     [writer] {
                       writer->begin();
                       writer->read();
                     }});
    result.formats.push_back(std::move(found));
  }
  const auto timings = interleave(works, options);
  result.machine = machine_rates(timings);
  for (auto& format : result.formats) {
    for (const auto& timing : timings) {
      if (timing.name == "read " + format.weights) format.prompt = timing;
      if (timing.name == "make " + format.weights) format.made = timing;
    }
  }
  return result;
}

Rows text_speed_rows(const std::vector<TextResult>& results) {
  Rows rows{{"model", "weights", "MB", "prompt tokens/s", "made tokens/s", "MB a token", "of memory", "times float32"},
            {}};
  for (const auto& result : results) {
    for (const auto& format : result.formats) {
      rows.rows.push_back({result.name, format.weights, at_places(format.bytes / 1e6, 10),
                           std::round(result.prompt_rate(format)), at_places(result.made_rate(format), 10),
                           at_places(format.bytes_of_token / 1e6, 100), at_places(result.share_of_memory(format), 100),
                           at_places(ratio_of(result.formats.front().made, format.made).median, 100)});
    }
  }
  return rows;
}

Array text_speed_objects(const std::vector<TextResult>& results) {
  Array all;
  for (const auto& result : results) {
    for (const auto& format : result.formats) {
      all.push_back(Table{{"model", result.name},
                          {"weights", format.weights},
                          {"bytes", format.bytes},
                          {"bytes_of_token", format.bytes_of_token},
                          {"prompt", result.shape.prompt},
                          {"made", result.shape.made},
                          {"prompt_tokens_per_s", result.prompt_rate(format)},
                          {"made_tokens_per_s", result.made_rate(format)},
                          {"read_bytes_per_s", result.machine.read},
                          {"of_memory", result.share_of_memory(format)}});
    }
  }
  return all;
}

}  // namespace heterodyne::cli
