"""The scripts of `heterodyne completion`, run by the shells they are for. A shell that is not installed is skipped."""

import shutil
import subprocess
import unittest

from program import USAGE, ProgramTest

# What each shell is to offer where the line ends. One word of a line for each place that is completed.
CASES = [
    ("tr", ["train"]),
    ("ls --format ", ["csv", "json", "md", "table"]),
    ("config sch", ["schema"]),
    ("config --set a=b che", ["check"]),
    ("train cifar10/d", ["cifar10/dense_vit", "cifar10/dmmoe"]),
    ("train --set train.ep", ["train.epochs="]),
    ("eval --spl", ["--split"]),
    ("ls router.noisy_", ["router.noisy_top_k"]),
    ("help trai", ["train"]),
    ("completion ", ["bash", "fish", "zsh"]),
]

# Readline breaks words at "=" too, which this does for it.
BASH = r"""
source ./script || exit 1
line="$1"
read -ra COMP_WORDS <<<"${line//=/ = }"
[[ $line == *" " ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_LINE=$line COMP_POINT=${#line}
_heterodyne heterodyne "${COMP_WORDS[COMP_CWORD]}"
printf '%s\n' "${COMPREPLY[@]}"
"""

# A shell with a keyboard of its own, where one Tab is pressed; what it made of the line is printed.
ZSH = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PROMPT=; autoload -U compinit; compinit -u -D; source ./script"
zpty -w z "show-line () { zle complete-word; echo \"<<\$BUFFER>>\"; exit }; zle -N show-line; bindkey '^I' show-line"
zpty -w z "echo REA''DY"
zpty -r z out '*READY*'
zpty -w -n z "$1"$'\t'
zpty -r z out '*<<*>>*'
print -r -- "$out"
"""


class CompletionTest(ProgramTest):
    def script(self, shell: str) -> str:
        path = shutil.which(shell)
        if path is None:
            self.skipTest(f"skipped: no {shell}")
        self.program.write("script", self.succeeds("completion", shell).stdout)
        return path

    def ask(self, *command: str) -> list[str]:
        folder = self.program.folder
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        return done.stdout.splitlines()

    def test_bash_completes_lines(self):
        bash = self.script("bash")
        for line, expected in [*CASES, ("ls --format=js", ["json"]), ("config show --set train.epochs=", [""])]:
            self.assertEqual(sorted(self.ask(bash, "-c", BASH, "bash", "heterodyne " + line)), expected, line)

    def test_bash_offers_files_beside_recipes_and_as_values(self):
        bash = self.script("bash")
        self.program.write("demo.toml", "")
        both = ["demo", "demo.toml"]
        for line, expected in [("train de", both), ("eval demo.", both[1:]), ("config cp demo de", both)]:
            self.assertEqual(sorted(self.ask(bash, "-c", BASH, "bash", "heterodyne " + line)), expected, line)

    def test_bash_knows_for_whom_the_script_is(self):
        bash = self.script("bash")
        self.assertEqual(
            self.ask(bash, "-c", "source ./script; complete -p heterodyne"), ["complete -F _heterodyne heterodyne"]
        )

    def test_fish_completes_lines(self):
        fish = self.script("fish")
        for line, expected in CASES:
            offered = self.ask(fish, "--no-config", "-c", f"source ./script; complete -C 'heterodyne {line}'")
            self.assertEqual(sorted(word.split("\t")[0] for word in offered), expected, line)

    def test_zsh_completes_lines(self):
        zsh = self.script("zsh")
        for line, expected in CASES:
            if len(expected) > 1:
                continue  # one Tab lists them and leaves the line
            screen = "\n".join(self.ask(zsh, "-f", "-c", ZSH, "zsh", "heterodyne " + line))
            whole = " ".join(["heterodyne", *line.split()[:-1], expected[0]])
            self.assertIn(f"<<{whole}", screen, line)

    def test_an_unknown_shell_is_refused(self):
        self.refuses(USAGE, ["expected one of bash, fish, zsh", 'got "bsh"', 'nearest: "bash"'], "completion", "bsh")
        self.refuses(USAGE, ["expected SHELL, one of bash, fish, zsh"], "completion")


if __name__ == "__main__":
    unittest.main()
