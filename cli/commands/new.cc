// heterodyne new NAME: a folder to work in, with a configuration to edit and a page that says what to type next.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/command.h"
#include "cli/config_text.h"
#include "cli/recipes.h"
#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/io/file.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 64;

struct NewFlags {
  std::string name;
  std::string recipe = "synthetic/dmmoe";
  cli::ConfigFlags settings;
  void visit(Fields& field) {
    field("name", name, "of the folder and of its runs: letters, digits, \".\", \"_\" and \"-\"", positional(),
          required());
    field("recipe", recipe, "what to start from; one of `heterodyne ls recipes`");
    settings.visit(field);
  }
};

// A name that is one folder here and nothing else, on every system and in every shell.
void check_name(const std::string& name) {
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  if (!name.empty() && name.size() <= kLongestName && is_plain && name.front() != '.' && name.front() != '-') return;
  throw ConfigError(fmt::format(
      "new: name: expected 1 to {} letters, digits, \".\", \"_\" or \"-\", not beginning with \".\" or \"-\", got {}",
      kLongestName, write_value(name)));
}

// The folder is made for this call alone: an existing one, even an empty one, belongs to somebody.
void make_folder(const std::string& name) {
  std::error_code error;
  const bool is_made = fs::create_directory(name, error);
  if (error && error != std::errc::file_exists) throw DeviceError(name + ": cannot be made: " + error.message());
  if (!is_made) throw ConfigError(name + ": exists already; choose another name");
}

void check_recipe(const std::string& recipe) {
  std::vector<std::string> names;
  for (const auto& known : cli::recipes()) names.push_back(known.first);
  if (std::find(names.begin(), names.end(), recipe) != names.end()) return;
  const std::string close = nearest(recipe, names);
  throw ConfigError(fmt::format("--recipe: expected one of {}, got \"{}\"{}", join(names), recipe,
                                close.empty() ? "" : "; nearest: \"" + close + "\""));
}

std::string readme(const std::string& name, const std::string& recipe) {
  return fmt::format(R"(# {0}

Begun from the recipe `{1}` of heterodyne. Everything below is typed in this folder.

```sh
heterodyne config check config.toml        # is it sound? How many parameters, how many steps?
heterodyne train config.toml               # into runs/{0}; Ctrl-C saves
heterodyne train --resume runs/{0}         # goes on
heterodyne eval runs/{0}                   # on the test split
heterodyne config diff {1} config.toml     # what was changed since
```

- `config.toml`: every setting, with what it means and accepts. Edit it, or change a setting for one run:
  `heterodyne train config.toml --set train.epochs=5 --out runs/short`
- `runs/`: one folder for each run, made by `heterodyne train`
- What there is to choose from: `heterodyne ls`, and `heterodyne ls -v router.top_k` for the settings of one

The data sets that `heterodyne ls datasets` lists are looked for in `data/`, among other places.
)",
                     name, recipe);
}

int run_new(const NewFlags& options, const cli::Invocation& invocation) {
  check_name(options.name);
  check_recipe(options.recipe);
  Table config = cli::read_config(options.recipe, options.settings);
  config.set("name", options.name);
  const std::string head = fmt::format(
      "# {}, begun from the recipe {}. What may be written here: heterodyne config "
      "schema\n",
      options.name, options.recipe);
  const std::string text = head + cli::commented_toml(read_experiment(config).resolved);

  make_folder(options.name);
  try {
    io::write_file(options.name + "/config.toml", text);
    io::write_file(options.name + "/README.md", readme(options.name, options.recipe));
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(options.name, ignored);
    throw;
  }
  invocation.terminal.say(fmt::format("{0}: made. Next: cd {0} && heterodyne train config.toml", options.name));
  return 0;
}

}  // namespace

CommandKind command_kind_new() {
  return command_kind<NewFlags>("make a folder with a configuration to edit",
                                "heterodyne new mine\nheterodyne new top1 --recipe cifar10/dmmoe --set "
                                "model.moe.router.k=1",
                                run_new);
}

}  // namespace heterodyne
