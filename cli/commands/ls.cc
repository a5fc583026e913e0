// heterodyne ls FAMILY: what there is to choose from; with -v, the settings of one.
#include "cli/command.h"
#include "cli/families.h"
#include "cli/output.h"
#include "cli/recipes.h"
#include "cli/runs.h"
#include "cli/text/task_files.h"
#include "heterodyne/eval/run_list.h"
#include "heterodyne/layer/router.h"

namespace heterodyne {
namespace {

struct LsFlags {
  std::string what;
  bool verbose = false;
  cli::FormatFlag format;
  void visit(Fields& field) {
    field("what", what,
          "recipes, runs, tasks, routers, experts, balancers, dispatchers, networks, importers, datasets, tokenizers, "
          "optimizers, schedules, growers, scores, partitioners; with -v a member such as router.top_k",
          positional());
    field("verbose", verbose, "show more; every setting of one member or section: type, default, range");
    format.visit(field);
  }
};

// The first comment of a recipe, up to its first blank or setting.
std::string first_sentence(const std::string& recipe) {
  std::string text;
  for (size_t begin = 0; begin < recipe.size() && recipe[begin] == '#';) {
    const size_t end = recipe.find('\n', begin);
    if (!text.empty()) text += ' ';
    text += recipe.substr(begin + 2, end - begin - 2);
    if (text.ends_with('.') || end == std::string::npos) break;
    begin = end + 1;
  }
  return text;
}

cli::Rows list_of(const std::string& what) {
  cli::Rows rows{{"name", "summary"}, {}};
  if (what == "recipes") {
    for (const auto& [name, text] : cli::recipes()) rows.rows.push_back({name, first_sentence(text)});
    return rows;
  }
  if (what == "tasks") return cli::task_list();
  const Family& family = cli::family_named(what);
  for (const auto& name : family.names()) rows.rows.push_back({name, family.summary(name)});
  return rows;
}

cli::Rows families_list() {
  cli::Rows rows{{"name", "members"},
                 {{"recipes", static_cast<int64_t>(cli::recipes().size())},
                  {"tasks", static_cast<int64_t>(cli::task_texts().size())}}};
  for (const auto& [plural, family] : cli::families())
    rows.rows.push_back({plural, static_cast<int64_t>(family->names().size())});
  return rows;
}

cli::Rows settings_of(const std::string& what) {
  cli::Rows rows{{"setting", "type", "default", "range", "meaning"}, {}};
  for (const auto& field : cli::fields_named(what)) {
    rows.rows.push_back({field.name, field.type, field.default_text, field.range, field.sentence});
  }
  return rows;
}

// What a router promises beside its settings.
void print_traits(const std::string& what, cli::Terminal& terminal) {
  const std::string prefix = "router.";
  if (!what.starts_with(prefix)) return;
  const RouterTraits& traits = routers().find(what.substr(prefix.size())).traits;
  terminal.print(std::string("causal: ") + (traits.is_causal ? "yes" : "no") +
                 "   may drop tokens: " + (traits.may_drop ? "yes" : "no") +
                 "   balanced by construction: " + (traits.is_balanced ? "yes" : "no") +
                 "   experts can come and go: " + (traits.is_resizable ? "yes" : "no"));
}

int run_ls(const LsFlags& options, const cli::Invocation& invocation) {
  const std::string& format = options.format.format;
  if (options.what.empty()) {
    if (options.verbose) throw ConfigError("ls -v: expected a name, for example router.top_k");
    cli::print_rows(invocation.terminal, families_list(), format);
    return 0;
  }
  if (options.what == "runs" && !options.verbose) {
    const auto runs = list_runs(invocation.environment.runs, invocation.terminal.log());
    cli::print_rows(invocation.terminal, cli::run_rows(runs, format), format);
    return 0;
  }
  if (!options.verbose) {
    cli::print_rows(invocation.terminal, list_of(options.what), format);
    return 0;
  }
  cli::print_rows(invocation.terminal, settings_of(options.what), format);
  if (format == "table") print_traits(options.what, invocation.terminal);
  return 0;
}

}  // namespace

CommandKind command_kind_ls() {
  return command_kind<LsFlags>(
      "list what there is to choose from",
      "heterodyne ls routers\nheterodyne ls -v router.top_k\nheterodyne ls recipes --format json", run_ls);
}

}  // namespace heterodyne
