#include "cli/completion.h"

#include <map>

#include "cli/command.h"
#include "cli/families.h"
#include "cli/recipes.h"
#include "heterodyne/data/dataset.h"

namespace heterodyne::cli {
namespace {

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const auto& recipe : recipes()) names.push_back(recipe.first);
  return names;
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const auto& verb : commands().names()) {
    if (!commands().find(verb).is_hidden) names.push_back(verb);
  }
  return names;
}

// "routers" and "router.top_k", as `heterodyne ls` takes them.
std::vector<std::string> listed_names() {
  std::vector<std::string> names = {"recipes"};
  for (const auto& family : families()) names.push_back(family.first);
  for (const auto& [plural, family] : families()) {
    for (const auto& kind : family->names()) names.push_back(family->name() + "." + kind);
  }
  return names;
}

// The arguments and flags whose text is one of a list, as "verb.name" or, for every verb that has it, "name".
const std::map<std::string, Candidates> kListed = {
    {"set", {kSettingsList, {}, false}},    {"recipe", {"recipes", {}, false}},
    {"config", {"recipes", {}, true}},      {"config.arguments", {"recipes", {}, true}},
    {"data.arguments", {"sets", {}, true}}, {"ls.what", {"families", {}, false}},
    {"help.verb", {"verbs", {}, false}},    {"seed", {}},
};

Candidates candidates(const std::string& verb, const FlagInfo& flag) {
  if (!flag.choices.empty()) return {"", flag.choices, false};
  for (const auto& key : {verb + "." + flag.name, flag.name}) {
    const auto found = kListed.find(key);
    if (found != kListed.end()) return found->second;
  }
  return {"", {}, flag.type == "text" || flag.is_list()};
}

}  // namespace

Completion completion() {
  Completion all;
  all.lists = {{"recipes", recipe_names()},
               {kSettingsList, setting_paths()},
               {"families", listed_names()},
               {"sets", datasets().names()},
               {"verbs", verb_names()}};
  for (const auto& name : verb_names()) {
    const CommandKind& kind = commands().find(name);
    CompletedVerb verb{name, kind.summary, {}, {}};
    for (const auto& flag : flags_of(kind.schema))
      (flag.is_positional ? verb.arguments : verb.flags).push_back({flag, candidates(name, flag)});
    verb.flags.push_back({{"help", "switch", "explain the command", "", {}, false, false}, {}});
    all.verbs.push_back(std::move(verb));
  }
  return all;
}

}  // namespace heterodyne::cli
