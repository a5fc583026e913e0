// RecipeFlags: flags that a configuration brings of its own, such as those of a published script. They are data: its
// table `flags` says which settings each stands for.
//
//   [flags]
//   num_experts = "model.moe.experts.0.count"                       # --num_experts 8: the value goes there
//   lstm = ["model.kind=lstm_classifier", "model.layers=2"]         # --lstm: a switch
//   big = "@lm/char_512"                                            # --big: another recipe, with its own flags
//   net = { small = "model.width=32", "*" = "model.kind=VALUE" }     # --net small: what the value stands for
//                                                                    # "*": any other, which VALUE then is
//   hierarchical = "model.moe.router={ kind = \"hierarchical\" }"   # --hierarchical: replaces a whole table
#pragma once

#include <string>
#include <vector>

namespace heterodyne::cli {

/// A flag of a configuration as it was used.
struct UsedFlag {
  std::string written;                // "--num_experts 8"
  std::vector<std::string> settings;  // "model.moe.experts.0.count=8"
};

struct ExpandedLine {
  std::vector<std::string> arguments;  // with --set in the place of the configuration's flags
  std::vector<UsedFlag> used;          // in the order of the table, in which they are laid over the configuration
  std::vector<std::string> spelled;    // every flag of the configuration: "--num_experts"
};

/// `arguments` begin with a verb. Of verbs that take a configuration and --set, the flags of the configuration on the
/// line are replaced; the verb's own go before those of the same name. Other lines stay as they are, so that what is
/// wrong with them is said where it always is. Throws ConfigError when a flag lacks its value, or has one and takes
/// none.
ExpandedLine expand_recipe_flags(const std::vector<std::string>& arguments);

/// The flags with what each stands for, a line each; empty when the line names no configuration that has any.
std::string recipe_flags_help(const std::vector<std::string>& arguments);

/// "--num_groups 4 is model.moe.router.groups = 4"
std::string note_of(const UsedFlag& flag);

/// What an error about settings adds when flags set them: " (set by --num_groups 4, --experts_per_group 3)"; empty when
/// the message speaks of none.
std::string blame(const std::string& message, const std::vector<UsedFlag>& used);

}  // namespace heterodyne::cli
