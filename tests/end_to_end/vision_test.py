"""Convolutional networks with a mixture for a head: augmented images, two phases, the flags of the published script."""

import json
import re
import unittest

import program
from program import SOURCE, USAGE, ProgramTest

SMALL = {
    "data": {"kind": "synthetic", "channels": 3, "size": 12, "examples": 200, "test_examples": 60, "classes": 4,
             "batch": 30, "workers": 3, "augment": {"crop_padding": 2, "flip": 0.5, "erase": 0.3, "cutmix": 0.4}},
    "model": {"kind": "resnet", "channels": 4, "feature_width": 8,
              "moe": {"router": {"kind": "top_k", "k": 2}, "experts": [{"kind": "norm_mlp", "count": 3, "hidden": 8,
                                                                        "inner": 6, "dropout": 0.1}]}},
    "train": {"epochs": 2, "head": {"epochs": 1}, "optimizer": {"kind": "adamw", "lr": 1e-3}, "log_every": 3,
              "checkpoint": {"every_steps": 4}},
}


def toml(value) -> str:
    """The value in TOML's inline form."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


class VisionTest(ProgramTest):
    def write_small(self) -> None:
        lines = ['name = "small"', *(f"{key} = {toml(value)}" for key, value in SMALL.items())]
        self.program.write("small.toml", "\n".join(lines) + "\n")

    def test_a_run_in_two_phases_is_resumed_exactly_and_reported(self):
        self.write_small()
        self.succeeds("train", "small.toml", "--out", "run")
        lines = program.metrics(self.program.path("run"))
        self.assertEqual([line["step"] for line in lines if line["kind"] == "valid"], [6, 12, 18])
        self.succeeds("verify", "run", "--resume", "--determinism", "--steps", "6")
        text = self.succeeds("eval", "--checkpoint_path", "run", "--latency").stdout
        self.assertRegex(text, r"(?m)^class 3( +[\d.]+){4}$")
        self.assertRegex(text, r"(?m)^mean, weighted by examples( +[\d.]+){3} +60$")
        self.assertRegex(text, r"(?m)^batch of 1: [\d.]+ ms, 95 of 100 below [\d.]+ ms \(64 passes, 1 thread\)$")
        self.assertRegex(text, r"(?m)^batch of 30: ")
        self.assertIn("MAC of an example: routed", text)
        values = json.loads(self.succeeds("eval", "run", "--format", "json").stdout)
        self.assertEqual(values["metrics"]["recall"], values["metrics"]["accuracy"])
        self.assertEqual(len(values["classes"]), 5)

    def test_threads_that_prepare_batches_change_nothing(self):
        self.write_small()
        self.succeeds("train", "small.toml", "--out", "three", "--set", "train.epochs=1")
        self.succeeds("train", "small.toml", "--out", "one", "--set", "train.epochs=1", "--set", "data.workers=1")
        self.assertEqual(program.metrics(self.program.path("three")), program.metrics(self.program.path("one")))

    def test_patterns_that_fit_nothing_are_refused(self):
        self.write_small()
        words = ["train", "small.toml", "--out", "run", "--set"]
        self.refuses(USAGE, ["[train] freeze: expected names of parameters", '"backbone.*"', "which none of the"], *words,
                     'train.freeze=["backbone.*"]')
        self.refuses(USAGE, ["cutmix and mixup: expected at most 1 together"], *words, "data.augment.mixup=0.7")
        self.assertFalse(self.program.path("run").exists())

    def test_the_flags_of_the_published_script(self):
        self.program.write("my.toml", (SOURCE / "configs/cifar10/routing.toml").read_text())
        data = toml({"kind": "synthetic", "channels": 3, "size": 32, "examples": 100, "test_examples": 10, "batch": 20})
        words = ["train", "my.toml", "--set", f"data={data}", "--dry-run", "--model"]
        published = ["--batch_size", "64", "--epochs_head", "2", "--epochs_full", "3", "--lr_head", "1e-3", "--lr_full",
                     "5e-5", "--num_workers", "2", "--cutmix_prob", "0.25", "--num_experts", "10", "--top_k", "2",
                     "--feature_dim", "256", "--load_balance_weight", "0.01"]
        done = self.succeeds(*words, "topk_moe", *published)
        self.assertIn("9,881,326 parameters, 2 of 10 experts per token", done.stdout)
        self.assertIn("at the end of 5 epochs", done.stdout)
        self.assertEqual(len(re.findall(r"(?m)^note: --", done.stderr)), 12)
        self.assertIn("note: --cutmix_prob 0.25 is data.augment.cutmix = 0.25", done.stderr)
        self.assertIn(" 6,956,426 parameters", self.succeeds(*words, "densenet", "--epochs_head", "0").stdout)
        self.assertIn("1 of 10 experts per token", self.succeeds(*words, "switch").stdout)
        self.refuses(USAGE, ['"switsh"', 'nearest: "switch"', "(set by --model switsh)"], *words, "switsh")


if __name__ == "__main__":
    unittest.main()
