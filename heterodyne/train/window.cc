#include "heterodyne/train/window.h"

#include <algorithm>

namespace heterodyne {
namespace {

constexpr const char* kStatistics[] = {".k", ".max_ideal", ".dead", ".entropy", ".unrouted"};  // of each layer

// A balancer may be called as a statistic is: "layers.0.entropy" is the entropy of the loads.
std::string logged_name(const std::string& loss) {
  const bool is_taken = std::any_of(std::begin(kStatistics), std::end(kStatistics),
                                    [&](const char* statistic) { return loss.ends_with(statistic); });
  return is_taken ? loss + "_loss" : loss;
}

}  // namespace

void add(Window& window, const StepResult& result) {
  ++window.num_steps;
  window.num_examples += result.num_examples;
  window.num_correct += result.num_correct;
  window.grad_norm += result.grad_norm;
  window.losses["loss"] += result.loss;
  for (const auto& [name, value] : result.loss_parts) window.losses[name] += value;
  RoutingStats routing(std::move(window.routing));
  routing.add(result.routing);
  window.routing = routing.layers();
}

Table averages(const Window& window) {
  const auto steps = static_cast<double>(std::max<int64_t>(window.num_steps, 1));
  const auto examples = static_cast<double>(std::max<int64_t>(window.num_examples, 1));
  Table table;
  for (const char* first : {"loss", "task"}) {
    const auto found = window.losses.find(first);
    if (found != window.losses.end()) table.set(first, found->second / steps);
  }
  for (const auto& [name, sum] : window.losses) table.set(logged_name(name), sum / steps);
  table.set("accuracy", static_cast<double>(window.num_correct) / examples);
  table.set("grad_norm", window.grad_norm / steps);
  for (const auto& layer : window.routing) {
    const Balance balance = balance_of(layer.count_E);
    table.set(layer.layer + ".k", layer.mean_k());
    table.set(layer.layer + ".max_ideal", balance.max_violation + 1);
    table.set(layer.layer + ".dead", balance.num_dead);
    table.set(layer.layer + ".entropy", balance.entropy);
    const auto wanted = static_cast<double>(std::max<int64_t>(layer.num_assignments() + layer.num_dropped, 1));
    table.set(layer.layer + ".dropped", static_cast<double>(layer.num_dropped) / wanted);
    const auto tokens = static_cast<double>(std::max<int64_t>(layer.num_tokens, 1));
    table.set(layer.layer + ".unrouted", static_cast<double>(layer.num_unrouted) / tokens);
  }
  return table;
}

}  // namespace heterodyne
