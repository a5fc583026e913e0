// heterodyne import SRC DST: a model that other software stored becomes a checkpoint. Exit code 4 when a tensor is
// missing, left over or of another shape, or when its answers are not those that were expected.
#include <fmt/format.h>

#include <filesystem>

#include "cli/command.h"
#include "cli/compute.h"
#include "heterodyne/base/text.h"
#include "heterodyne/train/foreign.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

struct ImportFlags {
  std::string source;
  std::string out;
  std::string config;
  std::string expect;
  double tolerance = 1e-4;
  cli::ComputeFlags compute;
  cli::DryRunFlag plan;
  void visit(Fields& field) {
    field("source", source, "a folder with config.json and safetensors files, as Hugging Face's", positional(),
          required());
    field("destination", out, "the checkpoint's folder, which must not exist", positional(), required());
    field("config", config, "another file than the folder's config.json, where it has none");
    field("expect", expect,
          "a safetensors file with input_ids, if there is padding attention_mask, and the logits that are expected");
    field("tolerance", tolerance, "the largest |logit error| that is accepted", at_least(0),
          effective_when(!expect.empty(), "--expect is not given"));
    compute.visit(field);
    plan.visit(field);
  }
};

// The experiment's name: the folder's, with what a name may hold.
std::string name_of(const std::string& folder) {
  std::string name;
  for (const char c : fs::path(folder).lexically_normal().filename().string())
    name += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ? c : '-';
  return name.empty() || name.front() == '.' ? "imported" : name;
}

int run_import(const ImportFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::Terminal& terminal = invocation.terminal;
  if (fs::exists(fs::symlink_status(options.out)))
    throw ConfigError("import: " + options.out + ": exists already; choose another folder");
  const auto model = import_model(options.source, name_of(options.out), options.config);
  terminal.print(fmt::format("model     {}, network {}, {} parameters", model.importer,
                             model.experiment.options.model.kind, with_commas(num_params(*model.network))));
  terminal.print("coverage  " + model.coverage.sentence());
  if (options.expect.empty()) {
    terminal.print("parity    not compared: no --expect");
  } else {
    const auto error = compare_logits(*model.network, options.expect);
    const bool is_ok = error.largest <= options.tolerance;
    terminal.print(fmt::format("parity    largest |logit error| {:.2g} over {} tokens (limit {})  {}", error.largest,
                               with_commas(error.num_tokens), shortest(options.tolerance), is_ok ? "ok" : "too large"));
    if (!is_ok)
      throw CheckError("import", fmt::format("{}: expected a largest |logit error| of at most {}, got {:.2g}; nothing "
                                             "written",
                                             options.expect, shortest(options.tolerance), error.largest));
  }
  if (options.plan.dry_run) return terminal.say("nothing was written: --dry-run"), 0;
  save_imported(options.out, model);
  terminal.say(options.out + ": written. Next: heterodyne inspect " + options.out);
  return 0;
}

}  // namespace

CommandKind command_kind_import() {
  return command_kind<ImportFlags>("make a checkpoint of a model that other software stored",
                                   "heterodyne import downloads/llama models/llama\n"
                                   "heterodyne import downloads/llama models/llama --expect logits.safetensors",
                                   run_import);
}

}  // namespace heterodyne
