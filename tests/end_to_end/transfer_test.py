"""Texts with classes, runs that start from others, the use of experts before and after, a few labelled examples."""

import json
import unittest

import program
from program import INPUT, USAGE, ProgramTest

TEXTS = """name = "texts"
[data]
kind = "text_classes"
path = "train.csv"
test_path = "test.csv"
classes = ["World", "Sports"]
fields = { label = "0", text = ["1", "2"], first_label = 1 }
length = 6
batch = 8
[model]
kind = "dmmoe"
stem = "symbols"
width = 16
moe = { experts = [{ kind = "mlp", hidden = 16 }, { kind = "vit_block", heads = 2, hidden = 16 }, { kind = "lstm_cell" }] }
[train]
epochs = 4
optimizer = { kind = "adamw", lr = 1e-2 }
"""


def news(count: int) -> str:
    """Sports have a ball, the world has not; and a word of their own each."""
    lines = []
    for i in range(count):
        words = f"the ball number{i}" if i % 2 else f"the talks, number{i}"
        lines.append(f'"{i % 2 + 1}","A ""title""","{words}"\n')
    return "".join(lines)


class TextTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.program.write("data/train.csv", news(80))
        self.program.write("data/test.csv", news(20))
        self.program.write("texts.toml", TEXTS)

    def test_texts_are_learned_by_their_words_and_the_run_keeps_them(self):
        self.succeeds("train", "texts.toml", "--out", "run")
        symbols = (self.program.path("run") / "vocabulary.txt").read_text().split("\n")
        self.assertEqual(symbols[:5], ["<unk>", "<eos>", "a", "the", "title"])
        done = self.succeeds("eval", "run")
        self.assertIn("test split, 20 texts   accuracy 100.00 %", done.stdout)
        # Five words each, and nothing of the padding.
        document = json.loads(self.succeeds("route", "run", "--format", "json").stdout)
        self.assertEqual(document["layers"][0]["tokens"], 20 * 5)
        self.program.write("data/train.csv", "")  # a model reads with the words that it has
        self.refuses(INPUT, ["train.csv: expected texts, got none"], "eval", "run")
        self.program.write("data/train.csv", '"1","other","words"\n"2","of","another"\n' * 8)
        self.assertIn("accuracy 100.00 %", self.succeeds("eval", "run").stdout)

    def test_what_is_wrong_with_a_file_is_said_with_its_line(self):
        self.program.write("data/train.csv", news(4) + '"1","a"b","c"\n')
        self.refuses(INPUT, ["train.csv: line 5: expected a comma or the end of the line"], "train", "texts.toml")
        self.program.write("data/train.csv", news(4) + '"3","a","b"\n')
        self.refuses(INPUT, ['line 5: class: expected 1 .. 2 or one of World, Sports, got "3"'], "train", "texts.toml")
        self.assertFalse(self.program.path("runs/texts").exists())

    def test_so_many_of_each_class(self):
        few = ["train", "texts.toml", "--out", "few", "--set", "train.epochs=1", "--set"]
        self.refuses(USAGE, ['per_class: expected at most the 36 training examples of the class "World", got 40'], *few,
                     "data.per_class=40")
        self.succeeds(*few, "data.per_class=4")
        self.assertEqual(program.metrics(self.program.path("few"))[-1]["step"], 1)
        self.program.write("data/train.csv", '"1","a","b"\n' * 20)
        self.refuses(USAGE, ['expected training examples of every class, "Sports" has none'], *few[:2], "--set",
                     "data.per_class=2")


class StartTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        done = cls.shared.run("train", *program.small(), "--out", "source")
        assert done.code == program.DONE, done.stderr

    def words(self, **settings) -> list[str]:
        source = str(self.shared.path("source"))
        start = {f"train.start.{key}": value for key, value in ({"from": source} | settings).items()}
        return ["train", *program.small({"seed": 5, "data.classes": 4, "data.data_seed": 3} | start), "--out", "run"]

    def test_a_run_starts_with_all_but_the_head(self):
        done = self.succeeds(*self.words(leave=["head.*"]))
        self.assertIn("; at their first values: head.weight, head.bias", done.stderr)
        report = json.loads((self.program.path("run") / "start.json").read_text())
        self.assertEqual(report["kept"], ["head.weight", "head.bias"])
        self.assertIn("layers.0.experts.2.attention.query.weight", report["taken"])
        self.assertEqual(report["step"], int((self.shared.path("source") / "checkpoints/BEST").read_text()))

        shown = self.succeeds("route", "run", "--before").stdout
        self.assertRegex(shown, r"(?m)^layer +id +name +kind +before % +after % +change$")
        changes = json.loads(self.succeeds("route", "run", "--before", "--format", "json").stdout)["changes"]
        self.assertEqual([row["id"] for row in changes], [0, 1, 2, 3])
        for side in ["before %", "after %"]:
            self.assertAlmostEqual(sum(row[side] for row in changes), 100)
        self.succeeds("report", "run/routing-before.safetensors", "run/routing.safetensors", "--out", "change.html")

    def test_the_experts_alone_and_frozen(self):
        words = [*self.words(take=["layers.*.experts.*"]), "--set", 'train.freeze=["layers.*.experts.*"]']
        self.assertIn("would start with", self.succeeds(*words, "--dry-run").stdout)
        self.succeeds(*words)
        report = json.loads((self.program.path("run") / "start.json").read_text())
        self.assertTrue(all(name.startswith("layers.0.experts.") for name in report["taken"]))
        self.assertIn("stem.conv.weight", report["kept"])

    def test_what_cannot_be_taken_over_is_refused(self):
        self.refuses(USAGE, ["[train] start.take", '"expert.*", which none of the'], *self.words(take=["expert.*"]))
        self.refuses(INPUT, ["head.weight: expected [4, 16], got [10, 16]", "train.start.leave"], *self.words())
        words = [*self.words(leave=["head.*"]), "--set", "model.width=20"]
        self.refuses(INPUT, ["first stem.conv.weight: expected [20, 1, 4, 4], got [16, 1, 4, 4]"], *words)
        self.refuses(INPUT, ["nowhere"], *self.words(**{"from": "nowhere"}))
        self.assertFalse(self.program.path("run").exists())

    def test_a_few_labelled_examples(self):
        source = str(self.shared.path("source"))
        few = ["fewshot", source, "--way", "3", "--shot", "2", "--query", "2", "--episodes", "4", "--tune-steps", "3"]
        rows = json.loads(self.succeeds(*few, "--format", "json").stdout)
        self.assertEqual([row["method"] for row in rows],
                         ["nearest_mean", "linear_probe", "fine_tune_frozen", "fine_tune"])
        for row in rows:
            self.assertEqual(row["tasks"], 4)
            self.assertTrue(0 <= row["accuracy %"] <= 100)
        again = json.loads(self.succeeds(*few, "--format", "json").stdout)
        self.assertEqual([row["accuracy %"] for row in rows], [row["accuracy %"] for row in again])
        self.succeeds("fewshot", source, "--protocol", "balanced", "--shot", "3", "--episodes", "2", "--untrained",
                      "--methods", "linear_probe")
        self.refuses(USAGE, ["[fewshot] split: expected valid or test"], "fewshot", source, "--protocol", "balanced",
                     "--split", "train")
        self.refuses(USAGE, ["[fewshot] shot: expected at most", "got 500"], "fewshot", source, "--shot", "500")
        self.refuses(USAGE, ["[fewshot] way: expected 2 .. 10"], "fewshot", source, "--way", "11", "--shot", "1",
                     "--query", "1")
        self.refuses(USAGE, ['got "nearest_meen"', "nearest: nearest_mean"], "fewshot", source, "--methods", "nearest_meen")
        self.refuses(USAGE, ["freeze", '"nothing.*"'], "fewshot", source, "--freeze", "nothing.*")


if __name__ == "__main__":
    unittest.main()
