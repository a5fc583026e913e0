"""Pairs of texts from tab-separated files: a dense encoder, one with copies of its layer as experts, and numbers."""

import json
import unittest

from program import CHECK, INPUT, USAGE, ProgramTest

PAIRS = """name = "pairs"
[data]
kind = "pair_tsv"
path = "train.tsv"
test_path = "test.tsv"
text = "first"
second_text = "second"
label = "same"
classes = ["no", "yes"]
length = 12
batch = 8
[model]
kind = "bert"
width = 16
layers = 2
heads = 2
context = 16
dropout = 0.0
dense = { kind = "mlp", hidden = 24 }
[train]
epochs = 12
optimizer = { kind = "adamw", lr = 1e-2 }
checkpoint = { best = "valid.matthews" }
test_at_end = true
"""
UPCYCLE = """model = "dense"
out = "copies"
layers = [1]
experts = 3
partition = { kind = "copies" }
combine = "mean"
router = { kind = "top_any" }
"""
MIXED = """
[model.moe]
layers = [1]
router = { kind = "top_any" }
experts = [{ kind = "mlp", hidden = 24, count = 3 }]
balancers = [{ kind = "diversity", weight = 0.01 }]
"""


def pairs(count: int) -> str:
    """What counts is in the second text. The first has a quotation mark that nothing closes."""
    lines = ["first\tsecond\tsame\n"]
    for i in range(count):
        word, other = ("cat", "dog")[i // 2 % 2], ("cat", "dog")[i % 2]
        lines.append(f'the "{word} number {i}\ta {other}\t{i % 2}\n')
    return "".join(lines)


class GlueTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.shared.write("data/train.tsv", pairs(160))
        cls.shared.write("data/test.tsv", pairs(40))
        cls.shared.write("pairs.toml", PAIRS)
        cls.shared.write("upcycle.toml", UPCYCLE)
        cls.trained = cls.shared.run("train", "pairs.toml", "--out", "dense")
        assert cls.trained.code == 0, cls.trained.stderr

    def setUp(self) -> None:
        self.program = self.shared

    def metrics(self, run: str) -> dict:
        return json.loads(self.succeeds("eval", run, "--format", "json").stdout)["metrics"]

    def test_two_classes_have_f1_and_matthews(self):
        self.assertRegex(self.trained.stderr, r"best valid.matthews \S+ at step")
        self.assertRegex(self.trained.stderr, r"test accuracy \S+ %   F1 \S+ %   Matthews \S+")
        values = self.metrics("dense")
        self.assertGreater(values["accuracy"], 0.9)
        self.assertGreater(values["matthews"], 0.8)
        self.assertGreater(values["positive_f1"], 0.9)
        lines = [json.loads(line) for line in self.program.path("dense/metrics.jsonl").read_text().splitlines()]
        self.assertTrue(all("matthews" in line for line in lines if line["kind"] == "valid"))

    def test_copies_answer_as_the_dense_layer_and_are_tuned(self):
        done = self.succeeds("convert", "run", "upcycle.toml")
        self.assertRegex(done.stdout, r"parity    all experts on: max \|logit error\| \S+ over \S+ tokens .* ok\n")
        self.assertRegex(done.stdout, r"parity    as routed: max \|logit error\| \S+ over \S+ tokens .* ok\n")
        dense, copies = self.metrics("dense"), self.metrics("copies")
        self.assertAlmostEqual(dense["loss"], copies["loss"], 5)
        self.assertEqual(dense["accuracy"], copies["accuracy"])
        self.program.write("mixed.toml", PAIRS + MIXED)
        tuned = self.succeeds(
            "train", "mixed.toml", "--out", "mixed", "--set", 'train.start={from="copies",leave=["head.*"]}',
            "--set", "train.epochs=4", "--set",
            'train.grower={kind="top_any_window",start=5,length=10,period=20,max_experts=5}',
        )
        self.assertIn("as in copies/checkpoints", tuned.stderr)
        self.assertGreater(self.metrics("mixed")["accuracy"], 0.8)

    def test_a_conversion_that_changes_the_answer_is_refused(self):
        done = self.program.run("convert", "run", "upcycle.toml", "--out", "wrong", "--set", "combine=sum")
        self.assertEqual(done.code, CHECK, done.stderr)
        self.assertIn("all experts on: expected the dense model's logits", done.stderr)
        self.assertIn('needs combine = "mean"', done.stderr)
        self.assertFalse(self.program.path("wrong/checkpoints").exists())

    def test_numbers_stand_in_the_place_of_classes(self):
        rows = [f"{2.5 * (i % 3)}\ta {('cat', 'cow', 'dog')[i % 3]} {i}\tone thing\n" for i in range(90)]
        self.program.write("data/numbers.tsv", "".join(rows))
        changes = {"path": "numbers.tsv", "test_path": "numbers.tsv", "header": "false", "text": "1", "second_text": "2"}
        flags = [word for key, value in changes.items() for word in ("--set", f"data.{key}={value}")]
        flags += ["--set", "data.label=0", "--set", "data.classes=[]", "--set", "train.checkpoint.best=valid.pearson"]
        done = self.succeeds("train", "pairs.toml", "--out", "numbers", *flags)
        self.assertRegex(done.stderr, r"test Pearson \S+   Spearman \S+")
        self.assertNotIn("acc ", done.stderr)
        values = self.metrics("numbers")
        self.assertGreater(values["pearson"], 0.9)
        self.assertNotIn("accuracy", values)
        self.assertIn("Pearson", self.succeeds("eval", "numbers").stdout)
        self.refuses(
            USAGE,
            ["checkpoint.best: expected one of valid.loss, valid.pearson, valid.spearman on this data, got valid.accuracy"],
            "train", "pairs.toml", "--out", "other", *flags, "--set", "train.checkpoint.best=valid.accuracy",
        )

    def test_a_short_line_is_named(self):
        self.program.write("data/short.tsv", pairs(3) + "the end\n")
        self.refuses(
            INPUT, ['short.tsv: line 5: expected a column 1 ("second"), got 1: 0 .. 0'],
            "train", "pairs.toml", "--out", "short", "--set", "data.path=short.tsv",
        )


if __name__ == "__main__":
    unittest.main()
