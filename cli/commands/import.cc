// heterodyne import SRC DST: a model that other software stored becomes a checkpoint. Exit code 4 when a tensor is
// missing, left over or of another shape, or when its answers are not those that were expected.
#include <fmt/format.h>

#include <filesystem>

#include "cli/command.h"
#include "cli/compute.h"
#include "heterodyne/base/text.h"
#include "heterodyne/data/model_template.h"
#include "heterodyne/io/folder.h"
#include "heterodyne/train/foreign.h"
#include "heterodyne/train/transfer/lora.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

struct ImportFlags {
  std::string source;
  std::string out;
  std::string config;
  std::string base;
  std::string expect;
  double tolerance = 1e-4;
  cli::ComputeFlags compute;
  cli::DryRunFlag plan;
  void visit(Fields& field) {
    field("source", source, "a folder with config.json and safetensors files, as Hugging Face's", positional(),
          required());
    field("destination", out, "the checkpoint's folder, which must not exist", positional(), required());
    field("config", config, "another file than the folder's config.json, where it has none");
    field("base", base,
          "of an adapter (adapter_config.json): the model that it corrects, a run's folder or a checkpoint's",
          effective_when(config.empty(), "--config is given"));
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
  for (const char c : fs::path(io::without_slashes(folder)).lexically_normal().filename().string())
    name += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ? c : '-';
  return name.empty() || name.front() == '.' ? "imported" : name;
}

// Whether there is a chat template, and whether `chat` can use it.
void show_template(const std::string& config, cli::Terminal& terminal) {
  if (config.empty()) return;
  std::string trouble;
  try {
    const ModelTemplate form(config, "its chat template");
  } catch (const FormatError& error) {
    trouble = std::string("; it cannot be used here: ") + error.what();
  }
  terminal.print("chat      the model's template and special symbols are kept" + trouble);
}

void check_parity(const ImportFlags& options, Network& network, cli::Terminal& terminal) {
  if (options.expect.empty()) {
    terminal.print("parity    not compared: no --expect");
  } else {
    const auto error = compare_logits(network, options.expect);
    const bool is_ok = error.largest <= options.tolerance;
    terminal.print(fmt::format("parity    largest |logit error| {:.2g} over {} tokens (limit {})  {}", error.largest,
                               with_commas(error.num_tokens), shortest(options.tolerance), is_ok ? "ok" : "too large"));
    if (!is_ok)
      throw CheckError("import", fmt::format("{}: expected a largest |logit error| of at most {}, got {:.2g}; nothing "
                                             "written",
                                             options.expect, shortest(options.tolerance), error.largest));
  }
}

// An adapter of PEFT becomes a checkpoint of its base with corrections.
int import_adapter(const ImportFlags& options, cli::Terminal& terminal) {
  if (options.base.empty())
    throw ConfigError("import: " + options.source + " is an adapter: expected --base, the model that it corrects");
  const auto adapter = read_peft(options.source);
  const auto model = with_adapter(load_model(options.base, {}, terminal.log()), adapter);
  terminal.print(fmt::format("adapter   rank {}, alpha {}, {} projections of {}", adapter.lora.rank,
                             shortest(adapter.lora.alpha), adapter.tensors.size() / 2, options.base));
  terminal.print(fmt::format("coverage  {0} of {0} tensors used; every correction filled", adapter.tensors.size()));
  check_parity(options, *model.network, terminal);
  if (options.plan.dry_run) return terminal.say("nothing was written: --dry-run"), 0;
  save_model(options.out, model.experiment, *model.network);
  terminal.say(options.out + ": written. Next: heterodyne convert merge-lora " + options.out + " --out DIR");
  return 0;
}

int run_import(const ImportFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::Terminal& terminal = invocation.terminal;
  if (fs::exists(fs::symlink_status(options.out)))
    throw ConfigError("import: " + options.out + ": exists already; choose another folder");
  if (fs::exists(fs::path(options.source) / "adapter_config.json")) return import_adapter(options, terminal);
  if (!options.base.empty())
    throw ConfigError("import: --base: expected an adapter, a folder with adapter_config.json; " + options.source +
                      " has none");
  const auto model = import_model(options.source, name_of(options.out), options.config);
  terminal.print(fmt::format("model     {}, network {}, {} parameters", model.importer,
                             model.experiment.options.model.kind, with_commas(num_params(*model.network))));
  terminal.print("coverage  " + model.coverage.sentence());
  show_template(model.experiment.tokenizer_config, terminal);
  check_parity(options, *model.network, terminal);
  if (options.plan.dry_run) return terminal.say("nothing was written: --dry-run"), 0;
  save_imported(options.out, model);
  terminal.say(options.out + ": written. Next: heterodyne inspect " + options.out);
  return 0;
}

}  // namespace

CommandKind command_kind_import() {
  return command_kind<ImportFlags>("make a checkpoint of a model that other software stored",
                                   "heterodyne import downloads/llama models/llama\n"
                                   "heterodyne import downloads/llama models/llama --expect logits.safetensors\n"
                                   "heterodyne import downloads/adapter models/tuned --base models/llama",
                                   run_import);
}

}  // namespace heterodyne
