"""`heterodyne config twin`: the same experiment with a network of another form and the same budget."""

import json
import unittest

from program import USAGE, ProgramTest, settings

# 27 parameters for each of four experts is what two of unlike widths have together.
MIXED = """name = "mine"
data = { kind = "synthetic", size = 8 }
[model]
kind = "dmmoe"
width = 16
patch = 4
moe.router = { kind = "top_k", k = 2 }
moe.experts = [{ kind = "mlp", hidden = [8, 16, 24] }, { kind = "conv1d" }]
[train]
epochs = 1
"""


class TwinTest(ProgramTest):
    def cost(self, config: str) -> dict:
        return json.loads(self.succeeds("config", "check", config, "--format", "json").stdout)

    def test_the_published_network_with_equal_experts(self):
        done = self.succeeds("config", "twin", "cifar10/dmmoe", "--as", "homogeneous", "--match", "params")
        # (357,611 - 290,442) / (4 x 257) = 65.3 more than 256: see twin_test.cc.
        self.assertIn("hidden = 321 in each mlp expert", done.stderr.splitlines()[0])
        self.assertIn("  parameters: 357,262 against 357,611, -0.10 %  (matched)", done.stderr.splitlines())
        self.assertIn('name = "cifar10-dmmoe-homogeneous"', done.stdout)
        self.program.write("twin.toml", done.stdout)
        self.assertEqual(self.cost("twin.toml")["params"], 357262)

    def test_what_is_matched_is_as_near_as_widths_allow(self):
        self.program.write("my.toml", MIXED)
        original = self.cost("my.toml")
        for form in ("dense", "homogeneous"):
            for match, key in (("params", "params"), ("macs", "executed_macs")):
                out = f"{form}-{match}.toml"
                done = self.succeeds("config", "twin", "my.toml", "--as", form, "--match", match, "--out", out)
                self.assertEqual(done.stdout, "")
                self.assertIn(f"{out}: written. Next: heterodyne train {out}", done.stderr)
                found = self.cost(out)
                self.assertEqual(found["name"], f"mine-{form}")
                text = self.program.path(out).read_text()
                width = int(text.split("hidden = ")[1].split()[0])
                where = "model.dense.hidden" if form == "dense" else "model.moe.experts.0.hidden"
                distance = abs(found[key] - original[key])
                for other in (width - 1, width + 1):
                    words = ["config", "check", out, "--set", f"{where}={other}", "--format", "json"]
                    near = json.loads(self.succeeds(*words).stdout)
                    self.assertLessEqual(distance, abs(near[key] - original[key]), (form, match, width, other))

    def test_a_twin_trains_and_is_compared_with_what_it_was_made_of(self):
        small = {"data.examples": 300, "train.epochs": 1}
        self.program.write("my.toml", MIXED)
        self.succeeds("train", "my.toml", *settings(small))
        self.succeeds("train", "my.toml", *settings(small | {"name": "small", "model.moe.experts": '[{kind="mlp",hidden=4,count=4}]'}))
        told = self.succeeds("compare", "mine", "small").warnings[0]
        hint = told.split("Equal budget: heterodyne ")[1].split()
        self.assertEqual(hint, ["config", "twin", hint[2], "--as", "homogeneous", "--match", "params"])
        self.succeeds(*hint, "--out", "twin.toml")
        self.succeeds("train", "twin.toml")
        self.assertFalse([line for line in self.succeeds("compare", "mine", "mine-homogeneous").warnings if "parameters" in line])

    def test_where_there_is_no_twin(self):
        says = "[model] moe: expected a Mixture-of-Experts layer for a dense twin to be made of, got none"
        self.refuses(USAGE, [says], "config", "twin", "cifar10/dense_vit", "--as", "dense")
        says = ["a dense twin of ", " does not exist: with a hidden width of 1 it has "]
        few = ["--set", 'model.moe.experts=[{kind="conv1d",count=2}]']
        self.refuses(USAGE, says, "config", "twin", "cifar10/dmmoe", "--as", "dense", *few)

    def test_what_is_refused(self):
        self.refuses(USAGE, ["config twin: expected a configuration file"], "config", "twin")
        self.refuses(USAGE, ["--as", 'got "sparse"'], "config", "twin", "demo", "--as", "sparse")
        self.refuses(USAGE, ["match: has no effect"], "config", "check", "demo", "--match", "macs")
        self.program.write("my.toml", MIXED)
        self.refuses(USAGE, ["my.toml: exists already"], "config", "twin", "my.toml", "--out", "my.toml")


if __name__ == "__main__":
    unittest.main()
