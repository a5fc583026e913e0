"""`heterodyne new`: what it writes works as written, and nothing that exists is touched."""

import re
import tomllib
import unittest

from program import USAGE, Program, ProgramTest

QUICK = ["--set", "train.epochs=0.1", "--set", "data.examples=300", "--quiet"]


class NewTest(ProgramTest):
    def test_the_project_trains_as_its_page_says(self):
        done = self.succeeds("new", "mine")
        self.assertEqual(done.stdout, "")
        self.assertIn("cd mine && heterodyne train config.toml", done.stderr)
        project = self.program.path("mine")
        self.assertEqual(sorted(path.name for path in project.iterdir()), ["README.md", "config.toml"])
        inside = Program(project)
        env = {"HETERODYNE_RUNS": ""}
        self.assertIn("config.toml: ok", inside.run("config", "check", "config.toml").stdout)
        self.assertEqual(inside.run("train", "config.toml", *QUICK, env=env).code, 0)
        commands = re.findall(r"^heterodyne (.*?) *#", (project / "README.md").read_text(), re.MULTILINE)
        self.assertEqual([line.split()[0] for line in commands], ["config", "train", "train", "eval", "config"])
        for line in commands:
            if line == "train config.toml":
                continue  # done above, in less time
            again = inside.run(*line.split(), env=env)
            self.assertEqual(again.code, 0, f"{line}\n{again.stderr}")

    def test_the_configuration_is_the_recipe_with_the_name_and_the_settings_of_the_line(self):
        self.succeeds("new", "top1", "--recipe", "cifar10/dmmoe", "--set", "model.moe.router.k=1", "--seed", "5")
        config = tomllib.loads(self.program.path("top1/config.toml").read_text())
        self.assertEqual((config["name"], config["seed"], config["model"]["moe"]["router"]["k"]), ("top1", 5, 1))
        diff = self.succeeds("config", "diff", "cifar10/dmmoe", "top1/config.toml", "--format", "csv").stdout
        self.assertEqual([line.split(",")[0] for line in diff.splitlines()[1:]], ["name", "seed", "model.moe.router.k"])

    def test_every_setting_is_explained(self):
        self.succeeds("new", "mine")
        for line in self.program.path("mine/config.toml").read_text().splitlines():
            if line and not line.startswith("#"):
                self.assertRegex(line, r"  # \w", line)

    def test_what_exists_is_refused(self):
        self.program.path("empty").mkdir()
        self.program.write("file", "mine")
        self.program.path("link").symlink_to("nowhere")
        for name in ("empty", "file", "link"):
            self.refuses(USAGE, [f"{name}: exists already"], "new", name)
        self.assertEqual(list(self.program.path("empty").iterdir()), [])
        self.assertFalse(self.program.path("nowhere").exists())

    def test_names_that_lead_elsewhere_are_refused(self):
        for name in ("../up", "a/b", "/tmp/x", "..", ".hidden", "a b", "a\x1b[2J", "é", "x" * 65, "a\\b"):
            done = self.refuses(USAGE, ["new: name: expected"], "new", name)
            self.assertNotIn("\x1b", done.stderr)
        self.assertEqual(sorted(path.name for path in self.program.folder.iterdir()), ["stderr", "stdout"])

    def test_an_unknown_recipe_leaves_nothing(self):
        says = ["--recipe", 'got "cifar10/dmoe"', 'nearest: "cifar10/dmmoe"']
        self.refuses(USAGE, says, "new", "a", "--recipe", "cifar10/dmoe")
        self.refuses(USAGE, ["unknown key"], "new", "a", "--set", "model.widht=3")
        self.assertFalse(self.program.path("a").exists())


if __name__ == "__main__":
    unittest.main()
