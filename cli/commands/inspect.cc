// heterodyne inspect FILE|DIR: what a weight file, a checkpoint or a run holds, read from headers alone.
#include "heterodyne/train/inspect.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/output.h"
#include "heterodyne/base/printable.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/json.h"

namespace heterodyne {
namespace {

struct InspectFlags {
  std::string path;
  bool tensors = false;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field("path", path, "a safetensors file, a checkpoint's folder or a run's (its best checkpoint)", positional(),
          required());
    field("tensors", tensors, "list every tensor: name, dtype, shape, bytes");
    format.visit(field);
  }
};

cli::Rows tensor_rows(const WeightFile& weights) {
  cli::Rows rows{{"name", "dtype", "shape", "bytes"}, {}};
  for (const auto& [name, info] : weights.tensors) {
    std::vector<std::string> sizes;
    for (const int64_t size : info.sizes) sizes.push_back(std::to_string(size));
    rows.rows.push_back({printable(name), dtype_name(info.dtype), "[" + join(sizes) + "]",
                         static_cast<int64_t>(info.end - info.begin)});
  }
  return rows;
}

cli::Rows expert_rows(const CheckpointSummary& checkpoint) {
  cli::Rows rows{{"layer", "expert", "kind", "values"}, {}};
  for (const auto& expert : checkpoint.experts)
    rows.rows.push_back({printable(expert.layer), expert.id, printable(expert.kind), expert.num_values});
  return rows;
}

// Everything but experts and tensors.
Table summary_of(const Inspection& found) {
  const WeightFile& weights = found.weights;
  Table table{{"file", weights.path},
              {"bytes", static_cast<int64_t>(weights.num_bytes)},
              {"dtypes", join(weights.dtypes(), " ")},
              {"tensors", static_cast<int64_t>(weights.tensors.size())},
              {"values", weights.num_values}};
  if (found.checkpoint) {
    table.set("step", found.checkpoint->step);
    table.set("network", found.checkpoint->network);
  }
  if (found.run) {
    table.set("state", found.run->state);
    table.set("checkpoints", static_cast<int64_t>(found.run->steps.size()));
  }
  return table;
}

void print_json(const Inspection& found, cli::Terminal& terminal) {
  Table table = summary_of(found);
  Array experts;
  for (const auto& expert : found.checkpoint ? found.checkpoint->experts : std::vector<ExpertInfoLine>()) {
    experts.emplace_back(
        Table{{"layer", expert.layer}, {"id", expert.id}, {"kind", expert.kind}, {"values", expert.num_values}});
  }
  table.set("experts", std::move(experts));
  terminal.print(io::write_json(table, 1));
}

void print_lines(const Inspection& found, cli::Terminal& terminal) {
  const WeightFile& weights = found.weights;
  if (found.run) {
    terminal.print(fmt::format("run, {}   {} checkpoints up to step {}", printable(found.run->state),
                               found.run->steps.size(), with_commas(found.run->steps.back())));
  }
  if (found.checkpoint)
    terminal.print(fmt::format("checkpoint of step {}   network {}", with_commas(found.checkpoint->step),
                               printable(found.checkpoint->network)));
  terminal.print(fmt::format("{}   {} bytes   {}   {} tensors   {} values", weights.path,
                             with_commas(static_cast<int64_t>(weights.num_bytes)), join(weights.dtypes()),
                             with_commas(static_cast<int64_t>(weights.tensors.size())),
                             with_commas(weights.num_values)));
  if (found.checkpoint && !found.checkpoint->experts.empty())
    terminal.print(cli::table_text(expert_rows(*found.checkpoint)));
}

int run_inspect(const InspectFlags& options, const cli::Invocation& invocation) {
  cli::Terminal& terminal = invocation.terminal;
  const std::string& format = options.format.format;
  const Inspection found = inspect(options.path);
  if (options.tensors) {
    cli::print_rows(terminal, tensor_rows(found.weights), format);
  } else if (format == "json") {
    print_json(found, terminal);
  } else if (format == "table") {
    print_lines(found, terminal);
  } else {
    cli::Rows rows{{"what", "value"}, {}};
    const Table summary = summary_of(found);
    for (const auto& [key, value] : summary.entries()) rows.rows.push_back({key, value});
    cli::print_rows(terminal, rows, format);
  }
  return 0;
}

}  // namespace

CommandKind command_kind_inspect() {
  return command_kind<InspectFlags>("look into a weight file, a checkpoint or a run without loading it",
                                    "heterodyne inspect runs/demo\nheterodyne inspect model.safetensors --tensors",
                                    run_inspect);
}

}  // namespace heterodyne
