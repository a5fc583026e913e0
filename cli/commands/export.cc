// heterodyne export MODEL DST --to hf: a model in the form of other software. Exit code 4, and nothing is written, when
// that form cannot say what the model is.
#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "cli/command.h"
#include "cli/compute.h"
#include "heterodyne/base/text.h"
#include "heterodyne/train/foreign.h"
#include "heterodyne/train/transfer/lora.h"
#include "heterodyne/train/transfer/pad.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMegabyte = 1'000'000;

struct ExportFlags {
  std::string model;
  std::string out;
  std::string to = "hf";
  std::string arch;
  std::string dtype = "float32";
  int64_t shard_mb = 5000;
  bool pad = false;
  cli::ComputeFlags compute;
  void visit(Fields& field) {
    field("model", model, "a run's folder (its best checkpoint) or a checkpoint's", positional(), required());
    field("destination", out, "the folder to write, which must not exist", positional(), required());
    field(
        "to", to,
        "whose form. hf: config.json and safetensors as Hugging Face's. peft: the corrections of low rank alone, as an "
        "adapter of PEFT",
        one_of("hf", "peft"));
    const bool is_whole = to == "hf";
    field("arch", arch, "the architecture, of `heterodyne ls importers`; the first that fits by default",
          effective_when(is_whole, "--to peft"));
    field("dtype", dtype, "what values are written as", one_of("float32", "bfloat16", "float16"),
          effective_when(is_whole, "--to peft"));
    field("shard_mb", shard_mb, "megabytes of a file, beyond which there are several with an index", at_least(1),
          effective_when(is_whole, "--to peft"));
    field("pad", pad, "make experts of unequal width equal by neurons of zeros, which changes no answer",
          effective_when(is_whole, "--to peft"));
    compute.visit(field);
  }
};

int run_export(const ExportFlags& options, const cli::Invocation& invocation) {
  cli::apply(options.compute, invocation);
  cli::Terminal& terminal = invocation.terminal;
  if (fs::exists(fs::symlink_status(options.out)))
    throw ConfigError("export: " + options.out + ": exists already; choose another folder");
  if (!options.arch.empty()) static_cast<void>(importers().find(options.arch));
  auto model = load_model(options.model, {}, terminal.log());
  if (options.to == "peft") {
    const auto lora = lora_of(model.experiment);
    write_peft(options.out, *model.network, lora, options.model);
    const auto adapter = read_peft(options.out);
    terminal.print(fmt::format("adapter   rank {}, alpha {}, {} projections, {} tensors, read back", adapter.lora.rank,
                               shortest(adapter.lora.alpha), adapter.tensors.size() / 2, adapter.tensors.size()));
    terminal.say(options.out + ": written");
    return 0;
  }
  if (options.pad) {
    auto padded = padded_experts(model);
    terminal.print(fmt::format(
        "padding   {} values of experts become {} ({:+.0f} %)", with_commas(padded.num_before),
        with_commas(padded.num_after),
        100.0 * static_cast<double>(padded.num_after - padded.num_before) / static_cast<double>(padded.num_before)));
    model = std::move(padded.model);
  }
  const torch::Dtype dtype = options.dtype == "float32"   ? torch::kFloat32
                             : options.dtype == "float16" ? torch::kHalf
                                                          : torch::kBFloat16;
  std::string kind;
  const auto coverage = export_model(model, {options.arch, dtype, options.shard_mb * kMegabyte}, options.out, &kind);
  terminal.print(fmt::format("model     {} of {} as {} in {}", model.experiment.options.model.kind, options.model, kind,
                             options.dtype));
  terminal.print("coverage  " + coverage.sentence());
  terminal.print("parity    read back and compared: equal values, logits within 1e-4");
  terminal.say(options.out + ": written");
  return 0;
}

}  // namespace

CommandKind command_kind_export() {
  return command_kind<ExportFlags>("write a model in the form of other software",
                                   "heterodyne export runs/lm-llama out/llama --to hf\n"
                                   "heterodyne export runs/tuned out/adapter --to peft\n"
                                   "heterodyne export models/mixtral out/mixtral --arch mixtral --dtype bfloat16",
                                   run_export);
}

}  // namespace heterodyne
