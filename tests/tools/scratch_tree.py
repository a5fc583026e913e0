"""A tiny source tree in a scratch folder, for the tests of the check scripts."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]


class ScratchTree(unittest.TestCase):
    """A test with a tree of its own. `tool` is the script under test, which gets the tree as its argument."""

    tool = ""
    files: dict[str, str] = {}  # what every tree of this test begins with: a tree without problems

    def setUp(self) -> None:
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for name, text in self.files.items():
            self.write(name, text)

    def write(self, name: str, text: str = "") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_tool(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run([SOURCE / "tools" / self.tool, *arguments, self.root], text=True, capture_output=True)
        return done.returncode, done.stdout + done.stderr

    def accepts(self) -> None:
        status, output = self.run_tool()
        self.assertEqual((status, output), (0, ""))

    def complains(self, *messages: str) -> None:
        """The tool fails, with one line for each message, which is a part of that line, and with no others."""
        status, output = self.run_tool()
        lines = output.splitlines()
        self.assertEqual(status, 1, output)
        self.assertEqual(len(lines), len(messages), output)
        for message in messages:
            self.assertTrue(any(message in line for line in lines), f"{message}\nis not in\n{output}")
