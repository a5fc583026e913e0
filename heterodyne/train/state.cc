#include "heterodyne/train/state.h"

#include <fmt/format.h>

#include "heterodyne/base/error.h"
#include "heterodyne/io/json.h"

namespace heterodyne {
namespace {

using io::array_at, io::integer_at, io::real_at, io::table_at, io::text_at;

Table to_table(const Window& window) {
  Table losses;
  for (const auto& [name, sum] : window.losses) losses.set(name, sum);
  Array routing;
  for (const auto& layer : window.routing) {
    routing.emplace_back(Table{{"layer", layer.layer},
                               {"counts", Array(layer.count_E.begin(), layer.count_E.end())},
                               {"tokens", layer.num_tokens},
                               {"unrouted", layer.num_unrouted},
                               {"dropped", layer.num_dropped}});
  }
  return {{"steps", window.num_steps},     {"examples", window.num_examples}, {"correct", window.num_correct},
          {"grad_norm", window.grad_norm}, {"losses", std::move(losses)},     {"routing", std::move(routing)}};
}

LayerCounts counts_from(const Value& value, const std::string& file) {
  if (!value.if_table()) throw FormatError::in_file(file, "window.routing: expected a table for each layer");
  const Table& table = *value.if_table();
  LayerCounts counts{
      text_at(table, "layer", file), {}, integer_at(table, "tokens", file), integer_at(table, "unrouted", file)};
  if (table.contains("dropped")) counts.num_dropped = integer_at(table, "dropped", file);
  for (const Value& count : array_at(table, "counts", file)) {
    if (!count.if_integer()) throw FormatError::in_file(file, "window.routing.counts: expected whole numbers");
    counts.count_E.push_back(*count.if_integer());
  }
  return counts;
}

Window window_from(const Table& table, const std::string& file) {
  Window window{integer_at(table, "steps", file),
                integer_at(table, "examples", file),
                integer_at(table, "correct", file),
                real_at(table, "grad_norm", file),
                {},
                {}};
  const Table& losses = table_at(table, "losses", file);
  for (const auto& name : losses.keys()) window.losses[name] = real_at(losses, name, file);
  for (const Value& layer : array_at(table, "routing", file)) window.routing.push_back(counts_from(layer, file));
  return window;
}

}  // namespace

Table to_table(const TrainState& state) {
  Table table{{"step", state.step},
              {"epoch", state.epoch},
              {"batch", state.batch},
              {"micro_step", state.micro_step},
              {"num_worse", state.num_worse}};
  if (state.best) table.set("best", Table{{"value", state.best->value}, {"step", state.best->step}});
  if (state.train_size > 0) table.set("train_size", state.train_size);
  table.set("window", to_table(state.window));
  return table;
}

TrainState state_from(const Table& table, const std::string& file) {
  TrainState state;
  state.step = integer_at(table, "step", file);
  state.epoch = integer_at(table, "epoch", file);
  state.batch = integer_at(table, "batch", file);
  state.micro_step = integer_at(table, "micro_step", file);
  state.num_worse = integer_at(table, "num_worse", file);
  if (table.contains("train_size")) state.train_size = integer_at(table, "train_size", file);
  for (const int64_t count :
       {state.step, state.epoch, state.batch, state.micro_step, state.num_worse, state.train_size}) {
    if (count < 0) throw FormatError::in_file(file, fmt::format("expected counts of at least 0, got {}", count));
  }
  if (table.contains("best")) {
    const Table& best = table_at(table, "best", file);
    const Value* value = best.find("value");  // null where a number that is none was taken for the best
    if (!value || !value->is_null()) state.best = Best{real_at(best, "value", file), integer_at(best, "step", file)};
  }
  state.window = window_from(table_at(table, "window", file), file);
  return state;
}

}  // namespace heterodyne
