// heterodyne convert STAGE CONFIG: a dense language model becomes a Mixture of Experts; see cli/conversion.h.
#include "cli/command.h"
#include "cli/conversion.h"
#include "cli/recipes.h"

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
          "run: all three",
          one_of("score", "partition", "build", "run"), positional(), required());
    field("config", config, "a TOML file of the conversion, or one of `heterodyne ls recipes`", positional(),
          required());
    field("out", out, "where to write; the same as --set out=DIR");
    settings.visit(field);
    compute.visit(field);
    device.visit(field);
  }
};

int run_convert(const ConvertFlags& flags, const cli::Invocation& invocation) {
  cli::apply(flags.compute, invocation);
  cli::device_of(flags.device, invocation.environment);
  Table config = cli::read_config(flags.config, flags.settings);
  if (!flags.out.empty()) config.set("out", flags.out);
  cli::Conversion conversion(cli::read_conversion(config), flags.compute, invocation);
  const bool is_all = flags.stage == "run";
  if (is_all || flags.stage == "score") conversion.score();
  if (is_all || flags.stage == "partition") conversion.partition();
  if (is_all || flags.stage == "build") conversion.build();
  return 0;
}

}  // namespace

CommandKind command_kind_convert() {
  return command_kind<ConvertFlags>("turn a dense language model into a Mixture of Experts",
                                    "heterodyne convert run convert/hemoe --set model=runs/mine --out models/mine\n"
                                    "heterodyne convert partition convert/hemoe --set partition.ratio=9",
                                    run_convert);
}

}  // namespace heterodyne
