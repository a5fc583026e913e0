// heterodyne convert STAGE CONFIG: a dense model becomes a Mixture of Experts; see cli/conversion.h.
#include <fmt/format.h>

#include <filesystem>

#include "cli/command.h"
#include "cli/conversion.h"
#include "cli/recipes.h"
#include "heterodyne/train/transfer/lora.h"
#include "heterodyne/train/transfer/remade.h"

namespace heterodyne {
namespace {

struct ConvertFlags {
  std::string stage;
  std::string config;
  std::string out;
  cli::ConfigFlags settings;
  cli::ComputeFlags compute;
  cli::DeviceFlag device;
  void visit(Fields& field) {
    field("stage", stage,
          "score: how much neurons matter to each domain. partition: neurons to experts. build: the converted model. "
          "run: all three, without the first where the partition reads no scores. merge-lora: corrections of low rank "
          "become part of the matrices",
          one_of("score", "partition", "build", "run", "merge-lora"), positional(), required());
    field("config", config,
          "a TOML file of the conversion, or one of `heterodyne ls recipes`; of merge-lora a run's or a checkpoint's "
          "folder",
          positional(), required());
    field("out", out, "where to write; the same as --set out=DIR");
    settings.visit(field);
    compute.visit(field);
    device.visit(field);
  }
};

int merge_lora(const ConvertFlags& flags, cli::Terminal& terminal) {
  if (!flags.settings.empty()) throw ConfigError("convert merge-lora: --set and --seed have no effect");
  if (flags.out.empty()) throw ConfigError("convert merge-lora: expected --out, the folder of the new checkpoint");
  if (std::filesystem::exists(flags.out))
    throw ConfigError("convert merge-lora: " + flags.out + ": exists already; choose another folder");
  const auto model = load_model(flags.config, {}, terminal.log());
  const auto merged = merged_lora(model);
  const double error = disparity(*model.network, *merged.network, network_shape(model.experiment));
  terminal.print(fmt::format("parity    largest |logit error| {:.2g} (limit {})  {}", error, kLoraTolerance,
                             error <= kLoraTolerance ? "ok" : "too large"));
  if (!(error <= kLoraTolerance))
    throw CheckError("merge-lora", fmt::format("expected a largest |logit error| of at most {}, got {:.2g}; nothing "
                                               "written",
                                               kLoraTolerance, error));
  save_model(flags.out, merged.experiment, *merged.network);
  terminal.say(flags.out + ": written");
  return 0;
}

int run_convert(const ConvertFlags& flags, const cli::Invocation& invocation) {
  cli::apply(flags.compute, invocation);
  cli::device_of(flags.device, invocation.environment);
  if (flags.stage == "merge-lora") return merge_lora(flags, invocation.terminal);
  Table config = cli::read_config(flags.config, flags.settings);
  if (!flags.out.empty()) config.set("out", flags.out);
  cli::Conversion conversion(cli::read_conversion(config), flags.compute, invocation);
  const bool is_all = flags.stage == "run";
  if (flags.stage == "score" || (is_all && conversion.needs_scores())) conversion.score();
  if (is_all || flags.stage == "partition") conversion.partition();
  if (is_all || flags.stage == "build") conversion.build();
  return 0;
}

}  // namespace

CommandKind command_kind_convert() {
  return command_kind<ConvertFlags>("turn a dense model into a Mixture of Experts",
                                    "heterodyne convert run convert/hemoe --set model=runs/mine --out models/mine\n"
                                    "heterodyne convert run convert/upcycle --set layers=[2,4]\n"
                                    "heterodyne convert partition convert/hemoe --set partition.ratio=9\n"
                                    "heterodyne convert merge-lora runs/tuned --out models/tuned",
                                    run_convert);
}

}  // namespace heterodyne
