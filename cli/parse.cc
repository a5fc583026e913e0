#include "cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "cli/command.h"
#include "cli/flag_info.h"
#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/base/version.h"

namespace heterodyne::cli {
namespace {

// Declares each flag and positional argument of a command.
class Declarer {
 public:
  Declarer(CLI::App& app, const std::vector<FlagInfo>& flags) {
    for (const auto& flag : flags) declare(app, flag);
  }

  /// What was written on the line, as untyped text. CLI11 gives an empty value to a flag that stands alone.
  Table given() const {
    Table table;
    for (const auto& [flag, values, option] : declared_) {
      if (option->count() == 0) continue;
      const std::string source = flag.spelled();
      if (flag.is_list()) {
        Array items;
        for (const auto& value : values) items.push_back(Value(value).set_position({source, 0, 0}));
        table.set(flag.name, Value(std::move(items)).set_position({source, 0, 0}));
      } else if (flag.is_switch()) {
        table.set(flag.name, Value(true).set_position({source, 0, 0}));
      } else {
        const bool is_implied = flag.is_value_optional && (values.empty() || values.back().empty());
        table.set(flag.name, Value::untyped(is_implied ? std::string(kImpliedValue) : values.back(), source));
      }
    }
    return table;
  }

  /// The first that has to be there and is not.
  const FlagInfo* missing() const {
    for (const auto& [flag, values, option] : declared_) {
      if (flag.is_required && option->count() == 0) return &flag;
    }
    return nullptr;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [flag, values, option] : declared_) {
      if (!flag.is_positional) all.push_back(flag.spelled());
    }
    return all;
  }

 private:
  struct Declared {
    FlagInfo flag;
    std::vector<std::string> values;
    CLI::Option* option = nullptr;
  };

  void declare(CLI::App& app, const FlagInfo& flag) {
    auto& [info, values, option] = declared_.emplace_back(Declared{flag, {}, nullptr});
    const std::string spelled = (flag.letter().empty() ? "" : "-" + flag.letter() + ",") + flag.spelled();
    const std::string sentence = flag.sentence + (flag.range.empty() ? "" : " (" + flag.range + ")");
    if (flag.is_switch()) {
      option = app.add_flag(spelled, sentence);
      return;
    }
    option = app.add_option(spelled, values, sentence);
    option->type_name(flag.is_positional ? "" : "VALUE");
    const bool takes_all = flag.is_list() && flag.is_positional;
    if (takes_all) option->expected(0, -1);
    else if (flag.is_value_optional) option->expected(0, 1);
    else option->expected(1)->take_all();
    option->allow_extra_args(takes_all);
  }

  std::deque<Declared> declared_;  // a deque: CLI11 keeps pointers to `values`
};

// One verb, or all of them when it is empty, as subcommands of an application. Only the verb of the line may be there:
// CLI11 would take the argument of `help train` for a second one.
struct Line {
  CLI::App app{"heterodyne: Mixture-of-Experts models whose experts differ in kind and size", "heterodyne"};
  std::deque<std::pair<CLI::App*, Declarer>> verbs;

  explicit Line(const std::string& only) {
    app.set_version_flag("--version", version_line());
    app.failure_message(CLI::FailureMessage::simple);
    for (const auto& name : commands().names()) {
      if (!only.empty() && name != only) continue;
      const CommandKind& kind = commands().find(name);
      CLI::App* verb = app.add_subcommand(name, kind.summary);
      if (!kind.example.empty()) verb->footer("Examples:\n  " + join(split(kind.example, '\n'), "\n  "));
      verb->allow_extras();
      verbs.emplace_back(std::piecewise_construct, std::forward_as_tuple(verb),
                         std::forward_as_tuple(*verb, flags_of(kind.schema)));
    }
  }
};

// --batch_size as --batch-size, where the verb has such a flag: the published scripts write it so.
std::vector<std::string> with_dashes(std::vector<std::string> arguments, const std::string& verb) {
  if (verb.empty()) return arguments;
  const auto flags = flags_of(commands().find(verb).schema);
  for (auto& argument : arguments) {
    if (!argument.starts_with("--")) continue;
    const size_t end = std::min(argument.find('='), argument.size());
    std::string name = argument.substr(0, end);
    std::replace(name.begin(), name.end(), '_', '-');
    const bool is_own = std::any_of(flags.begin(), flags.end(), [&](const FlagInfo& flag) {
      return !flag.is_positional && flag.spelled() == name;
    });
    if (is_own) argument.replace(0, end, name);
  }
  return arguments;
}

void reject_extras(const CLI::App& verb, const Declarer& declarer, const std::vector<std::string>& of_recipe) {
  for (const auto& extra : verb.remaining()) {
    if (!extra.starts_with('-'))
      throw ConfigError(fmt::format("{}: unexpected argument \"{}\". See heterodyne {} --help", verb.get_name(), extra,
                                    verb.get_name()));
    const std::string name = extra.substr(0, extra.find('='));
    auto known = declarer.names();
    known.insert(known.end(), of_recipe.begin(), of_recipe.end());
    const std::string close = nearest(name, known);
    throw ConfigError(fmt::format("{}: unknown flag {}{}. See heterodyne {} --help", verb.get_name(), name,
                                  close.empty() ? "" : "; nearest: " + close, verb.get_name()));
  }
}

void check_required(const CLI::App& verb, const Declarer& declarer) {
  const FlagInfo* missing = declarer.missing();
  if (missing == nullptr) return;
  std::string name = missing->spelled();
  if (missing->is_positional) std::transform(name.begin(), name.end(), name.begin(), ::toupper);
  const std::string what = missing->choices.empty() ? fmt::format("{} ({})", name, missing->sentence)
                                                    : fmt::format("{}, one of {}", name, join(missing->choices));
  throw ConfigError(
      fmt::format("{}: expected {}, got none. See heterodyne {} --help", verb.get_name(), what, verb.get_name()));
}

void check_verb(const std::string& verb) {
  const auto verbs = commands().names();
  if (std::find(verbs.begin(), verbs.end(), verb) != verbs.end()) return;
  const std::string close = nearest(verb, verbs);
  throw ConfigError(fmt::format("unknown command \"{}\"{}. All commands: heterodyne help", verb,
                                close.empty() ? "" : "; nearest: \"" + close + "\""));
}

}  // namespace

ParsedLine parse_line(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return {"", {}, help_text("")};
  const std::string verb_given = arguments.front().starts_with('-') ? "" : arguments.front();
  if (!verb_given.empty()) check_verb(verb_given);
  const auto expanded = expand_recipe_flags(arguments);
  Line line(verb_given);
  try {
    const auto spelled = with_dashes(expanded.arguments, verb_given);
    std::vector<std::string> reversed(spelled.rbegin(), spelled.rend());
    line.app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return {"", {}, help_text(verb_given) + recipe_flags_help(arguments)};
  } catch (const CLI::CallForVersion&) {
    return {"", {}, version_line()};
  } catch (const CLI::ParseError& error) {
    throw ConfigError(std::string(error.what()) + ". See heterodyne --help");
  }
  for (const auto& [verb, declarer] : line.verbs) {
    if (!verb->parsed()) continue;
    reject_extras(*verb, declarer, expanded.spelled);
    check_required(*verb, declarer);
    return {verb->get_name(), declarer.given(), "", expanded.used};
  }
  throw ConfigError("no command given. All commands: heterodyne help");
}

std::string help_text(const std::string& verb) {
  if (!verb.empty()) check_verb(verb);
  Line line(verb);
  std::string text = verb.empty() ? line.app.help() : line.app.get_subcommand(verb)->help("heterodyne");
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace heterodyne::cli
