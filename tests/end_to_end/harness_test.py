"""`heterodyne eval --tasks`: a task of one's own, the files it leaves, going on, and what is refused."""

import json
import unittest

from program import ANIMALS, DONE, INPUT, USAGE, ProgramTest, text_config

CONFIG = text_config(
    """
kind = "llama"
width = 16
layers = 1
heads = 2
dense = { kind = "swiglu", hidden = 32 }
""",
    """
epochs = 8
optimizer = { kind = "adamw", lr = 0.02 }
""",
    length=24,
)
TASK = """
about = "where animals sit"
path = "rows.jsonl"
context = "the {{animal}} sat on"
choices = "{{places}}"
gold = "{{right}}"
"""
ROWS = [{"animal": "cat", "places": ["the mat.", "the cog."], "right": 0},
        {"animal": "dog", "places": ["gtm eht.", "the log."], "right": 1},
        {"animal": "cat", "places": ["mmm mmm.", "the mat."], "right": 1}]


class HarnessTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.shared.write("text.txt", ANIMALS)
        cls.shared.write("tiny.toml", CONFIG)
        done = cls.shared.run("train", "tiny.toml", "--out", "run", "--quiet", "--data", ".")
        assert done.code == DONE, done.stderr
        cls.shared.write("where.toml", TASK)
        cls.shared.write("rows.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS))
        cls.shared.write("texts.toml", 'form = "perplexity"\npath = "texts.jsonl"\ntext = "{{t}}"\n')
        cls.shared.write("texts.jsonl", json.dumps({"t": ANIMALS[:48]}) + "\n" + json.dumps({"t": "tttt"}) + "\n")

    def setUp(self) -> None:
        super().setUp()
        self.program = self.shared

    def test_the_tasks_are_listed(self):
        listed = self.succeeds("ls", "tasks").stdout
        for name in ("arc_easy", "hellaswag", "mmlu", "winogrande"):
            self.assertIn(name, listed)

    def test_a_task_of_ones_own_is_measured_and_kept(self):
        rows = json.loads(self.succeeds("eval", "run", "--tasks", "where.toml,texts.toml", "--out", "results",
                                        "--format", "json").stdout)
        values = {(row["task"], row["metric"]): row for row in rows}
        self.assertEqual(values["where", "acc"]["value"], 1, "it learned two sentences by heart")
        self.assertEqual(values["where", "acc"]["n"], 3)
        self.assertGreater(values["texts", "byte_perplexity"]["value"], 1)
        self.assertEqual(json.loads(self.program.path("results/eval.json").read_text())["results"], rows)
        samples = [json.loads(line) for line in self.program.path("results/where.jsonl").read_text().splitlines()]
        self.assertEqual([sample["gold"] for sample in samples], [0, 1, 1])
        self.assertEqual(samples[0]["context"], "the cat sat on")
        first = samples[0]["choices"][0]
        self.assertEqual((first["continuation"], first["bytes"], first["tokens"]), (" the mat.", 8, 9))
        cached = self.program.path("results/cache.jsonl").read_text()
        again = json.loads(self.succeeds("eval", "run", "--tasks", "where.toml,texts.toml", "--out", "results",
                                         "--format", "json").stdout)
        self.assertEqual(again, rows)
        self.assertEqual(self.program.path("results/cache.jsonl").read_text(), cached, "nothing was computed again")

    def test_examples_and_a_second_model(self):
        done = self.succeeds("eval", "run", "--tasks", "where.toml", "--shots", "2", "--compare", "run", "--format", "csv")
        header, row = done.stdout.splitlines()
        self.assertEqual(header, "task,metric,n,run,run,difference,from,to,distinguishable")
        self.assertRegex(row, r"^where,acc,3,([\d.]+),\1,0(\.0)?,0(\.0)?,0(\.0)?,no$")
        self.assertIn("lost their beginning", self.succeeds("eval", "run", "--tasks", "where.toml", "--shots", "2").stderr)
        self.refuses(1, ["examples: expected at least 3 for rows.jsonl: line 1, got 2"],
                     "eval", "run", "--tasks", "where.toml", "--shots", "3")

    def test_a_broken_line_is_named_or_counted(self):
        self.program.write("broken.toml", TASK.replace("rows.jsonl", "broken.jsonl"))
        self.program.write("broken.jsonl", json.dumps(ROWS[0]) + "\n{\"animal\": \n" + json.dumps(ROWS[1]) + "\n")
        self.refuses(INPUT, ["broken.jsonl: line 2"], "eval", "run", "--tasks", "broken.toml")
        done = self.succeeds("eval", "run", "--tasks", "broken.toml", "--skip-bad", "--format", "json")
        self.assertEqual(json.loads(done.stdout)[0]["n"], 2)
        self.assertIn("task broken: 1 row was left out (--skip-bad)", done.stderr)

    def test_what_is_refused(self):
        for words, code, says in (
            (("--tasks", "arc_esay"), USAGE, 'nearest: "arc_easy"'),
            (("--tasks", "where.toml,where.toml"), USAGE, "two called where"),
            (("--tasks", "where.toml", "--text", "text.txt"), USAGE, "expected one of --tasks, --text and --questions"),
            (("--tasks", "where.toml", "--split", "valid"), USAGE, "--split has no effect with --tasks"),
            (("--shots", "2"), USAGE, "--shots has no effect without --tasks"),
            (("--tasks", "texts.toml", "--shots", "1"), USAGE, "asks nothing"),
            (("--tasks", "mmlu", "--data", "."), INPUT, "mc_eval/mmlu.test.jsonl: not found"),
        ):
            self.refuses(code, [says], "eval", "run", *words)


if __name__ == "__main__":
    unittest.main()
