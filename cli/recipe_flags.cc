#include "cli/recipe_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>

#include "cli/command.h"
#include "cli/flag_info.h"
#include "cli/recipes.h"
#include "heterodyne/base/error.h"
#include "heterodyne/base/text.h"

namespace heterodyne::cli {
namespace {

// --batch-size and --batch_size are one.
std::string name_of(const std::string& argument) {
  std::string name = argument.substr(2, argument.find('=') - 2);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

constexpr const char* kAnyOther = "*";
constexpr std::string_view kValueMark = "VALUE";

std::vector<std::string> texts_of(const Value& value) {
  std::vector<std::string> texts;
  const Array items = value.if_array() ? *value.if_array() : Array{value};
  for (const Value& item : items) {
    if (!item.if_text())
      throw ConfigError(value.position().prefix() + "[flags] expected PATH, PATH=VALUE or a list of them");
    texts.push_back(*item.if_text());
  }
  return texts;
}

// Does it put the value of the line somewhere, or is it a switch?
bool takes_value(const std::vector<std::string>& targets) {
  return std::any_of(targets.begin(), targets.end(),
                     [](const std::string& target) { return target.find('=') == std::string::npos; });
}

bool takes_configuration(const std::string& verb) {
  const auto verbs = commands().names();
  if (std::find(verbs.begin(), verbs.end(), verb) == verbs.end()) return false;
  const auto flags = flags_of(commands().find(verb).schema);
  const auto has = [&](const char* name) {
    return std::any_of(flags.begin(), flags.end(), [&](const FlagInfo& flag) { return flag.name == name; });
  };
  return has("config") && has("set");
}

bool is_configuration(const std::string& argument) {
  if (recipes().contains(argument)) return true;
  return argument.ends_with(".toml") &&
         (std::filesystem::is_regular_file(argument) || recipes().contains(argument.substr(0, argument.size() - 5)));
}

// The place of the configuration on the line; the end when the line names none.
size_t place_of_configuration(const std::vector<std::string>& arguments) {
  if (arguments.empty() || !takes_configuration(arguments.front())) return arguments.size();
  return static_cast<size_t>(std::find_if(arguments.begin() + 1, arguments.end(), is_configuration) -
                             arguments.begin());
}

std::optional<Table> flags_on(const std::vector<std::string>& arguments) {
  const size_t place = place_of_configuration(arguments);
  if (place == arguments.size()) return std::nullopt;
  return recipe_flags(arguments[place]);
}

std::string with_value(std::string text, const std::string& value) {
  for (size_t at = text.find(kValueMark); at != std::string::npos; at = text.find(kValueMark, at + value.size()))
    text.replace(at, kValueMark.size(), value);
  return text;
}

// The settings that a flag's value stands for, where the table says so for each.
std::vector<std::string> chosen_settings(const std::string& flag, const Table& choices, const std::string& value) {
  const bool is_listed = value != kAnyOther && choices.contains(value);
  const Value* found = choices.find(is_listed ? value : kAnyOther);
  if (found == nullptr) {
    const std::string close = nearest(value, choices.keys());
    throw ConfigError(fmt::format("--{}: expected one of {}, got \"{}\"{}", flag, join(choices.keys()), value,
                                  close.empty() ? "" : "; nearest: \"" + close + "\""));
  }
  auto settings = texts_of(*found);
  if (is_listed) return settings;
  for (auto& setting : settings) setting = with_value(setting, value);
  return settings;
}

// Switches to the recipe that a flag on the line stands for: "@lm/char_512".
std::vector<UsedFlag> change_recipe(std::vector<std::string>& arguments) {
  std::vector<UsedFlag> used;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const auto flags = flags_on(arguments);
    if (!flags || !arguments[i].starts_with("--")) continue;
    const std::string name = name_of(arguments[i]);
    const Value* value = flags->find(name);
    if (value == nullptr || !value->if_text() || !value->if_text()->starts_with('@')) continue;
    arguments[place_of_configuration(arguments)] = value->if_text()->substr(1);
    used.push_back({"--" + name, {"the recipe=" + value->if_text()->substr(1)}});
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i--));
  }
  return used;
}

// The flag's value, from the argument itself or the one after it, which is then passed over.
std::string value_at(const std::vector<std::string>& arguments, size_t& i) {
  const std::string& argument = arguments[i];
  const size_t equals = argument.find('=');
  if (equals != std::string::npos) return argument.substr(equals + 1);
  const bool has_next = i + 1 < arguments.size() && !arguments[i + 1].starts_with("--");
  if (!has_next) throw ConfigError(fmt::format("{}: {}: expected a value", arguments.front(), argument));
  return arguments[++i];
}

// The flag at place i of the line, whose value is passed over.
UsedFlag used_flag(const std::string& name, const Value& entry, const std::vector<std::string>& arguments, size_t& i) {
  UsedFlag flag{"--" + name, {}};
  if (const Table* choices = entry.if_table()) {
    const std::string value = value_at(arguments, i);
    flag.written += " " + value;
    flag.settings = chosen_settings(name, *choices, value);
    return flag;
  }
  const auto targets = texts_of(entry);
  std::string value;
  if (takes_value(targets)) {
    value = value_at(arguments, i);
    flag.written += " " + value;
  } else if (arguments[i].find('=') != std::string::npos) {
    throw ConfigError(fmt::format("{}: --{}: expected no value, it is a switch", arguments.front(), name));
  }
  for (const auto& target : targets)
    flag.settings.push_back(target.find('=') == std::string::npos ? target + "=" + value : target);
  return flag;
}

}  // namespace

ExpandedLine expand_recipe_flags(const std::vector<std::string>& given) {
  ExpandedLine line{given, {}, {}};
  auto arguments = given;
  line.used = change_recipe(arguments);
  const auto flags = flags_on(arguments);
  if (!flags) return line;
  std::vector<std::string> own;
  for (const auto& flag : flags_of(commands().find(arguments.front()).schema)) own.push_back(flag.name);

  std::vector<std::pair<size_t, UsedFlag>> used;  // with the flag's place in the table
  const auto names = flags->keys();
  for (const auto& name : names) line.spelled.push_back("--" + name);
  line.arguments = {arguments.front()};
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const std::string name = argument.starts_with("--") ? name_of(argument) : "";
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end() || std::find(own.begin(), own.end(), name) != own.end()) {
      line.arguments.push_back(argument);
      continue;
    }
    used.emplace_back(static_cast<size_t>(found - names.begin()), used_flag(name, *flags->find(name), arguments, i));
  }
  std::stable_sort(used.begin(), used.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  // Before the line's own --set, which so have the last word.
  std::vector<std::string> settings;
  for (auto& [place, flag] : used) {
    for (const auto& setting : flag.settings) settings.insert(settings.end(), {"--set", setting});
    line.used.push_back(std::move(flag));
  }
  line.arguments.insert(line.arguments.begin() + 1, settings.begin(), settings.end());
  return line;
}

std::string recipe_flags_help(const std::vector<std::string>& arguments) {
  const auto flags = flags_on(arguments);
  if (!flags || flags->empty()) return "";
  std::string text = "\n\nFlags of this configuration:";
  for (const auto& [name, value] : flags->entries()) {
    if (const Table* choices = value.if_table()) {
      text += fmt::format("\n  {:<28}{}", "--" + name + " VALUE", join(choices->keys(), ", "));
      continue;
    }
    const auto targets = texts_of(value);
    text += fmt::format("\n  {:<28}{}", "--" + name + (takes_value(targets) ? " VALUE" : ""), join(targets, ", "));
  }
  return text;
}

std::string note_of(const UsedFlag& flag) {
  if (flag.settings.empty()) return flag.written + " is what the configuration says";
  std::vector<std::string> settings;
  for (const auto& setting : flag.settings) {
    const size_t equals = setting.find('=');
    settings.push_back(setting.substr(0, equals) + " = " + setting.substr(equals + 1));
  }
  return flag.written + " is " + join(settings, ", ");
}

std::string blame(const std::string& message, const std::vector<UsedFlag>& used) {
  std::vector<std::string> blamed;
  for (const auto& flag : used) {
    const bool is_spoken_of = std::any_of(flag.settings.begin(), flag.settings.end(), [&](const std::string& setting) {
      const std::string path = setting.substr(0, setting.find('='));
      const std::string key = path.substr(path.rfind('.') + 1);
      const auto is_letter = [&](size_t i) {
        return i < message.size() && (std::isalnum(static_cast<unsigned char>(message[i])) || message[i] == '_');
      };
      for (size_t at = message.find(key); at != std::string::npos; at = message.find(key, at + 1)) {
        if ((at == 0 || !is_letter(at - 1)) && !is_letter(at + key.size())) return true;
      }
      return false;
    });
    if (is_spoken_of) blamed.push_back(flag.written);
  }
  return blamed.empty() ? "" : " (set by " + join(blamed) + ")";
}

}  // namespace heterodyne::cli
