#include "cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "cli/command.h"
#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/base/version.h"

namespace heterodyne::cli {
namespace {

// "no_progress" -> "no-progress"
std::string flag_name(std::string_view field) {
  std::string name(field);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// Declares each setting of a command's Options as a flag or a positional argument.
class Declarer : public Fields {
 public:
  explicit Declarer(CLI::App& app) : app_(app) {}

  /// What was written on the line, as untyped text. CLI11 gives an empty value to a flag that stands alone.
  Table given() const {
    Table table;
    for (const auto& flag : flags_) {
      if (flag.option->count() == 0) continue;
      const std::string source = flag.is_positional ? flag.name : "--" + flag_name(flag.name);
      if (flag.is_list) {
        Array items;
        for (const auto& value : flag.values) items.push_back(Value(value).set_position({source, 0, 0}));
        table.set(flag.name, Value(std::move(items)).set_position({source, 0, 0}));
      } else if (flag.is_switch) {
        table.set(flag.name, Value(true).set_position({source, 0, 0}));
      } else {
        const bool is_implied = flag.is_value_optional && (flag.values.empty() || flag.values.back().empty());
        table.set(flag.name, Value::untyped(is_implied ? std::string(kImpliedValue) : flag.values.back(), source));
      }
    }
    return table;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& flag : flags_) {
      if (!flag.is_positional) all.push_back("--" + flag_name(flag.name));
    }
    return all;
  }

 protected:
  void visit(const Field& field) override {
    if (const auto* nested = std::get_if<Nested>(&field.target)) return (*nested)(*this);
    Flag& flag = flags_.emplace_back();
    flag.name = field.name;
    flag.is_positional = field.rules.is_positional;
    flag.is_switch = std::holds_alternative<bool*>(field.target);
    flag.is_list = std::holds_alternative<std::vector<std::string>*>(field.target);
    flag.is_value_optional = field.rules.is_value_optional;
    const std::string spelled =
        flag.is_positional ? flag.name : (field.name == "verbose" ? "-v,--" : "--") + flag_name(flag.name);
    const std::string range = field.rules.range();
    const std::string sentence = std::string(field.sentence) + (range.empty() ? "" : " (" + range + ")");
    if (flag.is_switch) {
      flag.option = app_.add_flag(spelled, sentence);
      return;
    }
    flag.option = app_.add_option(spelled, flag.values, sentence);
    flag.option->type_name(flag.is_positional ? "" : "VALUE");
    if (flag.is_list && flag.is_positional) flag.option->expected(0, -1);
    else if (flag.is_value_optional) flag.option->expected(0, 1);
    else flag.option->expected(1)->take_all();
    flag.option->allow_extra_args(flag.is_list && flag.is_positional);
  }

 private:
  struct Flag {
    std::string name;
    bool is_positional = false, is_switch = false, is_list = false, is_value_optional = false;
    std::vector<std::string> values;
    CLI::Option* option = nullptr;
  };
  CLI::App& app_;
  std::deque<Flag> flags_;  // a deque: CLI11 keeps pointers to `values`
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
      verbs.emplace_back(verb, Declarer(*verb));
      kind.schema.show(verbs.back().second);
    }
  }
};

void reject_extras(const CLI::App& verb, const Declarer& declarer) {
  for (const auto& extra : verb.remaining()) {
    if (!extra.starts_with('-'))
      throw ConfigError(fmt::format("{}: unexpected argument \"{}\". See heterodyne {} --help", verb.get_name(), extra,
                                    verb.get_name()));
    const std::string name = extra.substr(0, extra.find('='));
    const std::string close = nearest(name, declarer.names());
    throw ConfigError(fmt::format("{}: unknown flag {}{}. See heterodyne {} --help", verb.get_name(), name,
                                  close.empty() ? "" : "; nearest: " + close, verb.get_name()));
  }
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
  Line line(verb_given);
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    line.app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return {"", {}, help_text(verb_given)};
  } catch (const CLI::CallForVersion&) {
    return {"", {}, version_line()};
  } catch (const CLI::ParseError& error) {
    throw ConfigError(std::string(error.what()) + ". See heterodyne --help");
  }
  for (const auto& [verb, declarer] : line.verbs) {
    if (!verb->parsed()) continue;
    reject_extras(*verb, declarer);
    return {verb->get_name(), declarer.given(), ""};
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
