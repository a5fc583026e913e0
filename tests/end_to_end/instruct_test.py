"""The data set `instruct`: a model learns answers alone, and gives them when it is talked with."""

import json
import unittest

from program import DONE, FAILED, INPUT, ProgramTest, metrics

CONFIG = """
name = "tiny"
[data]
kind = "instruct"
path = "rows.jsonl"
batch = 8
length = 48
form = "plain"
validation = 0.2
test = 0.0
[model]
kind = "llama"
width = 32
layers = 2
heads = 2
dense = { kind = "swiglu", hidden = 48 }
[train]
epochs = 40
optimizer = { kind = "adamw", lr = 0.01 }
checkpoint = { best = "valid.loss" }
"""
OWN_TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
ANSWERS = {"red": "stop", "green": "go", "blue": "wait a bit"}


def row(colour: str) -> str:
    return json.dumps({"instruction": colour, "output": ANSWERS[colour]}) + "\n"


class InstructTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.shared.write("rows.jsonl", "".join(row(colour) for colour in ("red", "green", "blue") for _ in range(2)) * 10)
        cls.shared.write("tiny.toml", CONFIG)
        cls.trained = cls.shared.run("train", "tiny.toml", "--out", "run", "--data", ".")
        assert cls.trained.code == DONE, cls.trained.stderr

    def setUp(self) -> None:
        super().setUp()
        self.program = self.shared

    def test_it_gives_the_answers_that_it_learned(self):
        said = self.program.path("said.txt")
        said.write_text("red\n/new\nblue\n/new\ngreen\n")
        with open(said, "rb") as stdin:
            done = self.succeeds("chat", "run", "--temperature", "0", "--tokens", "30", stdin=stdin)
        self.assertEqual(done.stdout.split("\n")[:3], ["stop", "wait a bit", "go"], done.stderr)

    def test_a_message_that_it_cannot_read_ends_no_conversation(self):
        said = self.program.write("odd.txt", "red\n/new\nr\u00e9d\n/new\nblue\n")
        with open(said, "rb") as stdin:
            done = self.program.run("chat", "run", "--temperature", "0", "--tokens", "30", stdin=stdin)
        self.assertEqual(done.code, FAILED, done.stderr)
        self.assertEqual(done.stdout.split("\n")[:2], ["stop", "wait a bit"], done.stderr)
        self.assertIn("expected one of the", done.stderr)

    def test_it_is_talked_to_as_it_was_tuned(self):
        said, own = self.program.write("hello.txt", "red\n"), self.program.write("own.jinja", OWN_TEMPLATE)
        for form, name in (("alpaca", "alpaca"), ("model", "of the model")):
            self.succeeds("train", "tiny.toml", "--out", form, "--data", ".", "--quiet", "--set", "train.epochs=1", "--set", f"data.form={form}",
                          *(["--set", f"data.template={own}"] if form == "model" else []))
            if form == "model":
                own.unlink()  # the checkpoint keeps it
            with open(said, "rb") as stdin:
                done = self.succeeds("chat", form, "--tokens", "2", stdin=stdin)
            self.assertIn(f"template {name}\n", done.stderr)

    def test_answers_alone_are_judged(self):
        last = [line for line in metrics(self.program.path("run")) if line["kind"] == "valid"][-1]
        self.assertLess(last["loss"], 0.1, "which colour comes cannot be known, but is not asked")

    def test_rows_that_cannot_be_used(self):
        for bad, says in ((json.dumps({"instruction": "red", "output": " "}), "output: expected an answer, got an empty one"),
                          ("{\"instruction\": ", "line 2"),
                          (json.dumps({"instruction": "r" * 60, "output": "x"}), "expected a prompt of at most the 48 tokens")):
            self.program.write("bad.jsonl", row("red") + bad + "\n" + row("blue") * 20)
            done = self.refuses(INPUT, ["bad.jsonl: line 2", says], "train", "tiny.toml", "--out", "x", "--data", ".",
                                "--set", "data.path=bad.jsonl")
            self.assertFalse(self.program.path("x").exists(), done.stderr)
            done = self.succeeds("train", "tiny.toml", "--out", "plan", "--data", ".", "--dry-run", "--set", "data.path=bad.jsonl",
                                 "--set", "data.skip_bad=true")
            self.assertIn("1 rows that cannot be used were left out", done.stderr)


if __name__ == "__main__":
    unittest.main()
