// heterodyne completion SHELL: a script with which the shell completes the program's command lines.
#include "cli/completion.h"

#include "cli/command.h"
#include "cli/shell.h"

namespace heterodyne {
namespace {

struct CompletionFlags {
  std::string shell;
  void visit(Fields& field) {
    field("shell", shell, "whose language the script is in", one_of(shells().names()), positional(), required());
  }
};

int run_completion(const CompletionFlags& options, const cli::Invocation& invocation) {
  invocation.terminal.print(shells().find(options.shell).script(cli::completion()));
  return 0;
}

}  // namespace

CommandKind command_kind_completion() {
  return command_kind<CompletionFlags>(
      "print a script that completes command lines in a shell",
      "heterodyne completion bash > ~/.local/share/bash-completion/completions/heterodyne\n"
      "heterodyne completion zsh > ~/.zfunc/_heterodyne   # a folder of $fpath\n"
      "heterodyne completion fish > ~/.config/fish/completions/heterodyne.fish",
      run_completion);
}

}  // namespace heterodyne
