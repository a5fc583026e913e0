"""The examples of README.md do what it says: the library's is compiled by the build and run here, the configuration
is trained."""

import os
import re
import subprocess
import unittest

import program
from program import SOURCE, ProgramTest

README = (SOURCE / "README.md").read_text()
LINES = 10


class ReadmeTest(ProgramTest):
    def block(self, language: str) -> str:
        blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
        self.assertEqual(len(blocks), 1, f"blocks of {language}")
        return blocks[0]

    def test_the_examples_are_short(self):
        for language in ("cpp", "toml"):
            lines = [line for line in self.block(language).splitlines() if line.strip()]
            self.assertLessEqual(len(lines), LINES, language)

    def test_the_library_example_prints_what_it_says(self):
        self.block("cpp")
        example = os.environ.get("HETERODYNE_README_EXAMPLE", str(SOURCE / "build/dev/tests/readme_example"))
        done = subprocess.run([example], capture_output=True, text=True, timeout=program.SECONDS, check=True)
        counts = [int(word) for word in done.stdout.split() if word.isdigit()]
        self.assertEqual(sum(counts), 8 * 16 * 2, done.stdout)

    def test_the_configuration_trains(self):
        self.program.write("mine.toml", self.block("toml"))
        done = self.succeeds("train", "mine.toml")
        self.assertIn("done in ", done.stderr)
        self.assertIn("conv1d", done.stdout)

    def test_what_it_left_is_evaluated_goes_on_and_can_be_repeated(self):
        self.program.write("mine.toml", self.block("toml"))
        small = ["--set", "data.examples=300", "--set", "train.epochs=1"]
        self.succeeds("train", "mine.toml", *small)
        self.succeeds("eval", "runs/mine")
        self.succeeds("train", "--resume", "runs/mine", "--set", "train.epochs=2")
        self.succeeds("train", "runs/mine/resolved.toml", "--out", "again")
        self.assertEqual(program.checkpoint(self.program.path("runs/mine")).name,
                         program.checkpoint(self.program.path("again")).name)


if __name__ == "__main__":
    unittest.main()
