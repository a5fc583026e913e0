#include "cli/bench/measure_layer.h"

#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cli/bench/memory_watch.h"
#include "heterodyne/base/error.h"
#include "heterodyne/ops/scratch.h"

namespace heterodyne::cli {
namespace {

constexpr double kTolerance = 1e-4;

// A layer with a batch and the gradient of its answer.
struct Subject {
  Subject(const LayerShape& shape, uint64_t seed) : layer(make_layer(shape, seed)), x_BSD(random_input(shape, seed)) {
    dy_BSD = RandomStream("bench.gradient").normal({seed, 0}, x_BSD.sizes());
  }

  torch::Tensor forward() { return layer->forward({x_BSD, {}, {1, 0}}, nullptr).y_BSO; }
  void forward_quietly() {
    const torch::NoGradGuard no_grad;
    forward();
  }
  void route_quietly() {
    const torch::NoGradGuard no_grad;
    layer->router().route({x_BSD.view({-1, x_BSD.size(2)}), x_BSD.size(0), x_BSD.size(1), {}, {1, 0}, {}});
  }
  void forward_backward() { forward().backward(dy_BSD); }
  // As a training step begins.
  void clear() {
    layer->zero_grad();
    x_BSD.mutable_grad().reset();
    x_BSD.requires_grad_();
  }

  std::shared_ptr<MoeLayer> layer;
  torch::Tensor x_BSD, dy_BSD;
  LayerWork work;
};

// What stands beside the layer: rivals by name, on rows of their own.
struct Rivals {
  std::map<std::string, std::shared_ptr<Rival>> sparse, dense;
  torch::Tensor x_TD, dy_TD, x_ND, dy_ND;
};

// Random matrices for a dense layer of as many operations as the experts have: 6 N D F forward.
RivalValues dense_values(const LayerWork& work, int64_t D) {
  const auto F = std::max<int64_t>(1, std::llround(work.flops / (6 * work.pairs * static_cast<double>(D))));
  const auto draw = [](const char* name, torch::IntArrayRef sizes) {
    return RandomStream(name).normal({1, 0}, sizes) / std::sqrt(static_cast<double>(sizes.back()));
  };
  return {{}, draw("bench.w1", {1, F, D}), draw("bench.w3", {1, F, D}), draw("bench.w2", {1, D, F}), 1};
}

Rivals make_rivals(Subject& subject, const LayerShape& shape, const LayerBenchOptions& options) {
  Rivals all;
  const int64_t D = shape.width, N = std::llround(subject.work.pairs);
  all.x_TD = subject.x_BSD.detach().view({-1, D}).clone();
  all.dy_TD = subject.dy_BSD.view({-1, D});
  std::optional<RivalValues> values;
  if (shape.rivals && options.rivals) values = values_of(*subject.layer, shape);
  const bool has_dense = shape.dense && N > 0 && subject.work.flops > 0;
  if (has_dense) {
    all.x_ND = RandomStream("bench.rows").normal({1, 0}, {N, D});
    all.dy_ND = RandomStream("bench.row_gradients").normal({1, 0}, {N, D});
  }
  for (const auto& name : rivals().names()) {
    const auto& kind = rivals().find(name);
    if (kind.is_dense && has_dense) all.dense[name] = kind.make(dense_values(subject.work, D));
    const auto divides = [&](int64_t width) { return width % kind.divides_width == 0; };
    if (!kind.is_dense && values && divides(D) && divides(values->w1_EFD.size(1)))
      all.sparse[name] = kind.make(*values);
  }
  return all;
}

void compare_answers(Subject& subject, const Rivals& all, LayerResult& result) {
  const torch::NoGradGuard no_grad;
  const auto y_TD = subject.forward().view(all.x_TD.sizes());
  for (const auto& [name, rival] : all.sparse) {
    const double difference =
        ((rival->forward(all.x_TD) - y_TD).abs().max() / y_TD.abs().max().clamp_min(1e-30)).item<double>();
    result.is_compared = true;
    result.difference = std::max(result.difference, difference);
    if (!(difference < kTolerance))
      throw CheckError(fmt::format("bench: {}: {}: expected the layer's answer to {:.0e}, got a difference of {:.1e}",
                                   result.shape.id, name, kTolerance, difference));
  }
}

// Buffers that are kept from one step to the next count as well, those of the pass itself alone.
double peak_bytes_of(Subject& subject) {
  subject.clear();
  ops::release_kept_buffers();
  double gradients = 0;
  const MemoryWatch watch;
  subject.forward_backward();
  for (const auto& parameter : subject.layer->parameters()) {
    if (parameter.grad().defined()) gradients += static_cast<double>(parameter.grad().nbytes());
  }
  return static_cast<double>(watch.peak_bytes()) - gradients;
}

double ideal_bytes_of(const LayerShape& shape, const LayerWork& work) {
  const bool is_swiglu = std::all_of(shape.experts.begin(), shape.experts.end(),
                                     [](const Member& group) { return group.kind == "swiglu"; });
  // Operations are 6 N D F, so 2 N F values are a third of them over D.
  const auto D = static_cast<double>(shape.width);
  return is_swiglu ? 4 * (static_cast<double>(shape.tokens) * D + work.flops / (3 * D)) + 12 * work.pairs : 0;
}

void add_rivals(std::vector<Work>& works, const std::map<std::string, std::shared_ptr<Rival>>& some, torch::Tensor x,
                const torch::Tensor& dy, bool has_backward) {
  for (const auto& [name, rival] : some) {
    if (has_backward) {
      works.push_back({name, [rival, x, dy] { rival->forward_backward(x, dy); },
                       [rival, x]() mutable {
                         rival->clear();
                         x.mutable_grad().reset();
                         x.requires_grad_();
                       }});
    } else {
      works.push_back({name,
                       [rival, x] {
                         const torch::NoGradGuard no_grad;
                         rival->forward(x);
                       },
                       [rival, x]() mutable { x.requires_grad_(false); }});
    }
  }
}

void add_subject(std::vector<Work>& works, const std::string& name, Subject& subject, bool has_backward) {
  if (has_backward) works.push_back({name, [&] { subject.forward_backward(); }, [&] { subject.clear(); }});
  else works.push_back({name, [&] { subject.forward_quietly(); }, {}});
}

std::string best_dense(const PassResult& pass, const Rivals& all) {
  std::string best;
  for (const auto& [name, rival] : all.dense) {
    if (best.empty() || spread_of(pass.of(name).seconds).median < spread_of(pass.of(best).seconds).median) best = name;
  }
  return best;
}

}  // namespace

std::optional<RivalValues> values_of(MoeLayer& layer, const LayerShape& shape) {
  const bool is_plain = shape.loads == "learned" && shape.router.kind == "top_k" && shape.router.settings.size() <= 2;
  const auto router = layer.router().named_parameters();
  const auto* gate = router.find("gate.weight");
  if (!is_plain || gate == nullptr || layer.num_groups() != 1 || layer.group_kind(0) != "swiglu") return std::nullopt;
  std::vector<torch::Tensor> w1, w3, w2;
  for (const auto& slot : layer.slots()) {
    const auto parameters = slot.expert->named_parameters();
    w1.push_back(parameters["w1.weight"].detach());
    w3.push_back(parameters["w3.weight"].detach());
    w2.push_back(parameters["w2.weight"].detach());
    if (!w1.back().sizes().equals({w1[0].size(0), shape.width})) return std::nullopt;
  }
  return RivalValues{gate->detach().clone(), at::stack(w1), at::stack(w3), at::stack(w2), layer.router().max_choices()};
}

const Timing& PassResult::of(const std::string& name) const {
  for (const auto& timing : timings) {
    if (timing.name == name) return timing;
  }
  throw Error(fmt::format("bench: {}: expected a time of \"{}\", there is none", pass, name));
}

bool PassResult::has(const std::string& name) const {
  return std::any_of(timings.begin(), timings.end(), [&](const Timing& timing) { return timing.name == name; });
}

LayerResult measure_layer(const LayerShape& shape, const LayerShape* base, const LayerBenchOptions& options) {
  LayerResult result;
  result.shape = shape;
  Subject subject(shape, 1);
  result.peak_bytes = peak_bytes_of(subject);
  result.work = subject.work = work_of(*subject.layer, shape, subject.x_BSD);
  result.ideal_bytes = ideal_bytes_of(shape, result.work);
  std::optional<Subject> other;
  if (base) other.emplace(*base, 1), result.base_flops = work_of(*other->layer, *base, other->x_BSD).flops;
  const Rivals all = make_rivals(subject, shape, options);
  compare_answers(subject, all, result);
  for (const bool has_backward : {false, true}) {
    std::vector<Work> works;
    add_subject(works, "layer", subject, has_backward);
    works.push_back({"router", [&] { subject.route_quietly(); }, {}});
    if (other) add_subject(works, "base", *other, has_backward);
    add_rivals(works, all.dense, all.x_ND, all.dy_ND, has_backward);
    add_rivals(works, all.sparse, all.x_TD, all.dy_TD, has_backward);
    for (auto& work : machine_works()) works.push_back(std::move(work));
    PassResult pass;
    pass.pass = has_backward ? "forward+backward" : "forward";
    pass.flops = (has_backward ? 3 : 1) * result.work.flops;
    pass.timings = interleave(works, options.interleave);
    pass.machine = machine_rates(pass.timings);
    pass.dense_best = best_dense(pass, all);
    result.passes.push_back(std::move(pass));
  }
  return result;
}

Spread per_flop_ratio(const LayerResult& result, const PassResult& pass) {
  Spread ratio = ratio_of(pass.of("layer"), pass.of("base"));
  const double factor = result.base_flops / result.work.flops;
  return {ratio.min * factor, ratio.p5 * factor, ratio.median * factor, ratio.p95 * factor};
}

}  // namespace heterodyne::cli
