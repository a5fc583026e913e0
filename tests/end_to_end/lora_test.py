"""Adapters of PEFT: out of a model that learned corrections, onto its base, and merged."""

import json
import unittest

from program import ANIMALS, CHECK, DONE, USAGE, ProgramTest, text_config

CONFIG = text_config(
    """
kind = "llama"
width = 16
layers = 2
heads = 2
dense = { kind = "swiglu", hidden = 24 }
""",
    "epochs = 1",
)


class LoraTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.shared.write("text.txt", ANIMALS)
        cls.shared.write("tiny.toml", CONFIG)
        lora = 'model.lora={rank=2, targets=["blocks.*.attention.*", "layers.0.w1"]}'
        for words in (("--out", "base"), ("--out", "tuned", "--set", lora)):
            done = cls.shared.run("train", "tiny.toml", "--quiet", "--data", ".", *words)
            assert done.code == DONE, done.stderr

    def setUp(self) -> None:
        super().setUp()
        self.program = self.shared

    def test_only_corrections_learned(self):
        shown = self.succeeds("inspect", "tuned", "--tensors").stdout
        self.assertIn("blocks.1.attention.output.lora_b", shown)
        self.assertIn("layers.0.w1.lora_a", shown)
        self.assertNotIn("layers.1.w1.lora_a", shown)

    def test_an_adapter_goes_out_comes_back_and_is_merged(self):
        done = self.succeeds("export", "tuned", "adapter", "--to", "peft")
        self.assertIn("rank 2, alpha 16.0, 9 projections, 18 tensors", done.stdout)
        config = json.loads(self.program.path("adapter/adapter_config.json").read_text())
        self.assertEqual((config["r"], config["lora_alpha"], config["target_modules"]),
                         (2, 16, ["gate_proj", "k_proj", "o_proj", "q_proj", "v_proj"]))
        done = self.succeeds("import", "adapter", "models/again", "--base", "base")
        self.assertIn("18 of 18 tensors used", done.stdout)
        done = self.succeeds("convert", "merge-lora", "models/again", "--out", "models/merged")
        self.assertRegex(done.stdout, r"parity    largest \|logit error\| .* ok")
        values = {}
        for model in ("models/again", "models/merged"):
            rows = json.loads(self.succeeds("eval", model, "--text", "text.txt", "--format", "json").stdout)
            values[model] = rows[0]["value"]
        self.assertAlmostEqual(values["models/again"], values["models/merged"], places=4)

    def test_what_is_refused(self):
        self.succeeds("export", "tuned", "other", "--to", "peft")
        self.refuses(USAGE, ["expected --base"], "import", "other", "models/x")
        self.refuses(USAGE, ["expected an adapter"], "import", "base", "models/x", "--base", "base")
        self.refuses(CHECK, ["expected a model with corrections"], "convert", "merge-lora", "base", "--out", "x")
        self.refuses(CHECK, ["expected a model with corrections"], "export", "base", "x", "--to", "peft")
        self.refuses(USAGE, ["expected --out"], "convert", "merge-lora", "tuned")
        self.refuses(USAGE, ["--to peft"], "export", "tuned", "x", "--to", "peft", "--dtype", "bfloat16")
        self.refuses(USAGE, ["lora.targets", "blocks.0.attention.query"], "train", "tiny.toml", "--out", "y", "--data", ".",
                     "--set", 'model.lora={rank=2, targets=["blocks.0.attention.qeury"]}')


if __name__ == "__main__":
    unittest.main()
