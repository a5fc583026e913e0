#include "cli/bench/measure_decode.h"

#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <memory>

#include "heterodyne/base/error.h"
#include "heterodyne/model/compact.h"

namespace heterodyne::cli {
namespace {

constexpr size_t kInputs = 16;       // batches that take turns
constexpr int64_t kJunk = 16 << 20;  // values that are read between turns: 64 MB
constexpr int64_t kSmallHidden = 64;

// A layer in one format, and the batches that it is timed on.
struct DecodeSubject {
  std::shared_ptr<MoeLayer> layer;
  std::vector<torch::Tensor> x_BSD;
  double bytes = 0;
  size_t turn = 0;
};

std::shared_ptr<DecodeSubject> subject_of(const LayerShape& shape, const ops::Compact* format) {
  auto subject = std::make_shared<DecodeSubject>();
  subject->layer = make_layer(shape);
  subject->layer->eval();
  for (size_t i = 0; i < kInputs; ++i) subject->x_BSD.push_back(random_input(shape, i + 1));
  double weights = 0;  // of one expert; of all values
  for (const auto& slot : subject->layer->slots())
    for (const auto& parameter : slot.expert->parameters()) weights += static_cast<double>(parameter.numel());
  double bytes = 4 * weights;
  if (format) {
    const auto report = compact_weights(*subject->layer, *format);
    bytes -= static_cast<double>(report.bytes_before - report.bytes_after);
  }
  const double expert_bytes = bytes / static_cast<double>(subject->layer->num_experts());
  double read = 0;
  for (const auto& x_BSD : subject->x_BSD) {
    for (const double rows : work_of(*subject->layer, shape, x_BSD).rows_E) read += rows > 0 ? expert_bytes : 0;
  }
  double gate = 0;
  for (const auto& parameter : subject->layer->router().parameters()) gate += static_cast<double>(parameter.nbytes());
  subject->bytes = read / static_cast<double>(kInputs) + gate;
  return subject;
}

const torch::Tensor& next_input(DecodeSubject& subject) { return subject.x_BSD[subject.turn++ % kInputs]; }

// Each chosen expert's rows through LibTorch's products. Experts must be of the kind swiglu.
void run_loop(DecodeSubject& subject) {
  const auto& x_BSD = next_input(subject);
  const auto x_TD = x_BSD.view({-1, x_BSD.size(2)});
  auto& layer = *subject.layer;
  const auto routing = layer.router().route({x_TD, x_BSD.size(0), x_BSD.size(1), {}, {1, 0}, {}});
  const auto offsets = routing.plan.expert_offsets();
  auto y_TD = torch::zeros_like(x_TD);
  for (size_t e = 0; e + 1 < offsets.size(); ++e) {
    const int64_t count = offsets[e + 1] - offsets[e];
    if (count == 0) continue;
    const auto mlp = layer.slots()[e].expert->as_mlp();
    const auto token_n = routing.plan.token_N.narrow(0, offsets[e], count);
    const auto x = x_TD.index_select(0, token_n);
    const auto h = at::silu(at::linear(x, mlp.gate_FD)) * at::linear(x, mlp.up_FD);
    y_TD.index_add_(0, token_n,
                    at::linear(h, mlp.down_OF) * routing.weight_N.narrow(0, offsets[e], count).unsqueeze(1));
  }
}

bool can_loop(const LayerShape& shape) {
  for (const auto& group : shape.experts)
    if (group.kind != "swiglu") return false;
  return true;
}

// The shape with next to no weights.
LayerShape emptied(LayerShape shape) {
  for (Member& group : shape.experts) {
    const Value* hidden = group.settings.find("hidden");
    if (!hidden) continue;
    const Array* list = hidden->if_array();
    group.settings.set("hidden", list ? Value(Array(list->size(), kSmallHidden)) : Value(kSmallHidden));
  }
  return shape;
}

// The dense layer that the experts are parts of, as a layer of one expert.
LayerShape undivided(const LayerShape& shape) {
  if (!can_loop(shape)) throw ConfigError("shape " + shape.id + ": divided: expected experts of kind swiglu alone");
  int64_t hidden = 0;
  const auto layer = make_layer(shape);
  for (const auto& slot : layer->slots()) hidden += slot.expert->as_mlp().up_FD.size(0);
  LayerShape dense = shape;
  dense.experts = {Member(Table{{"kind", "swiglu"}, {"hidden", hidden}})};
  dense.router = Member(Table{{"kind", "top_k"}, {"k", 1}});
  return dense;
}

}  // namespace

const DecodeResult::Format& DecodeResult::of(const std::string& name) const {
  for (const auto& format : formats)
    if (format.name == name) return format;
  throw Error(fmt::format("bench: {}: expected a time of \"{}\", there is none", shape.id, name));
}

double DecodeResult::share_of_memory(const Format& format) const {
  return machine.share_of_reading(format.bytes, format.timing);
}

DecodeResult measure_decode(const LayerShape& shape, const InterleaveOptions& options) {
  DecodeResult result;
  result.shape = shape;
  auto works = machine_works();
  const auto junk = torch::ones({kJunk});
  const auto add = [&](const std::string& name, const LayerShape& of, const ops::Compact* format,
                       bool is_loop = false) {
    const auto subject = subject_of(of, format), other = subject_of(emptied(of), format);
    const auto run = [is_loop](DecodeSubject& on) {
      const torch::NoGradGuard no_grad;
      if (is_loop) run_loop(on);
      else on.layer->forward({next_input(on), {}, {1, 0}}, nullptr);
    };
    result.formats.push_back({name, subject->bytes, {}});
    // A model's other layers leave the caches full of their weights, which were read, and of the program.
    works.push_back({name, [run, subject] { run(*subject); },
                     [run, other, junk] {
                       junk.sum();
                       run(*other);
                     }});
  };
  add("float32", shape, nullptr);
  for (const ops::Compact format : ops::compact_formats()) add(std::string(ops::name_of(format)), shape, &format);
  if (can_loop(shape)) add("loop", shape, nullptr, true);
  if (shape.divided) {
    const auto bf16 = ops::Compact::kBf16;
    const auto whole = undivided(shape);
    add("dense", whole, nullptr);
    add("dense bf16", whole, &bf16);
  }
  const auto timings = interleave(works, options);
  result.machine = machine_rates(timings);
  for (auto& format : result.formats) {
    for (const auto& timing : timings)
      if (timing.name == format.name) format.timing = timing;
  }
  return result;
}

Rows decode_rows(const std::vector<DecodeResult>& results) {
  Rows rows{{"shape", "tokens", "weights", "MB read", "ms", "median ms", "GB/s", "of memory", "times float32"}, {}};
  for (const auto& result : results) {
    for (const auto& format : result.formats) {
      const auto spread = spread_of(format.timing.seconds);
      const auto ratio = ratio_of(result.of("float32").timing, format.timing);
      const auto rounded = [](double value, double places) { return std::round(value * places) / places; };
      rows.rows.push_back({result.shape.id, result.shape.tokens, format.name, rounded(format.bytes / 1e6, 10),
                           milliseconds(spread.min), milliseconds(spread.median),
                           rounded(format.bytes / spread.median / 1e9, 10),
                           rounded(result.share_of_memory(format), 100), rounded(ratio.median, 100)});
    }
  }
  return rows;
}

Array decode_objects(const std::vector<DecodeResult>& results) {
  Array all;
  for (const auto& result : results) {
    for (const auto& format : result.formats) {
      const auto spread = spread_of(format.timing.seconds);
      all.push_back(Table{{"shape", result.shape.id},
                          {"tokens", result.shape.tokens},
                          {"weights", format.name},
                          {"bytes", format.bytes},
                          {"min_ms", 1e3 * spread.min},
                          {"median_ms", 1e3 * spread.median},
                          {"read_bytes_per_s", result.machine.read},
                          {"of_memory", result.share_of_memory(format)},
                          {"times_float32", ratio_of(result.of("float32").timing, format.timing).median}});
    }
  }
  return all;
}

}  // namespace heterodyne::cli
