"""`heterodyne compare`: runs side by side, made by hand with numbers that are known."""

import csv
import io
import json
import unittest

import program
from program import INPUT, USAGE, ProgramTest

# Parameters and MACs of the published DMMoE and its homogeneous counterpart.
DMMOE = {"params": 357611, "macs.routed": 3_480_000.0, "macs.executed": 3_670_000.0}
HOMOGENEOUS = {"params": 290442, "macs.routed": 2_490_000.0, "macs.executed": 2_490_000.0}


class CompareTest(ProgramTest):
    def make_run(self, folder: str, name: str, valid: list[float], test: float | None, *, seed: int = 1,
                 **line: float) -> None:
        lines = [{"step": 10 * (i + 1), "kind": "valid", "accuracy": accuracy, "loss": 1.0, **line}
                 for i, accuracy in enumerate(valid)]
        if test is not None:
            lines.append({"step": 10 * len(valid), "kind": "test", "accuracy": test, "loss": 1.0})
        self.program.write(f"{folder}/resolved.toml", f"name = {json.dumps(name)}\nseed = {seed}\n")
        self.program.write(f"{folder}/state", "done\npid 1\nheartbeat 1700000000\n")
        self.program.write(f"{folder}/metrics.jsonl", "".join(json.dumps(line) + "\n" for line in lines))

    def make_published(self) -> None:
        balance = {"layers.0.max_violation": 0.3, "layers.0.entropy": 0.967, "layers.0.dead": 0}
        self.make_run("runs/mix/a", "dmmoe", [0.40, 0.58, 0.41], 0.57, **DMMOE, **balance)
        self.make_run("runs/mix/b", "dmmoe", [0.60], 0.59, seed=2, **DMMOE, **balance)
        self.make_run("runs/mix/c", "homogeneous", [0.571], 0.569, **HOMOGENEOUS)
        self.program.write("runs/mix/sweep.json", "{}")

    def test_groups_show_means_spreads_and_what_is_missing(self):
        self.make_published()
        runs = [f"runs/mix/{name}" for name in ("a", "b", "c", "sweep.json")]
        done = self.succeeds("compare", *runs, "--group", "name")
        header, first, second, _, _, difference = done.stdout.splitlines()
        self.assertEqual(header.split("  ")[0], "model")
        # The mean and the sample standard deviation of 58 and 60, of 57 and 59: 1.41.
        for part in ("dmmoe", "59.0 +- 1.4", "58.0 +- 1.4", "357,611", "3.48 M / 3.67 M", "1.30", "0.967"):
            self.assertIn(part, first)
        self.assertEqual(second.split()[:4], ["homogeneous", "1", "57.1", "56.9"])
        self.assertEqual(second.split()[-3:], ["-", "-", "-"])
        # 57.1 - 58.0 and 56.9 - 57.0, of the one pair that there is.
        self.assertEqual(difference.split(), ["homogeneous", "dmmoe", "1", "-0.9", "-0.1"])
        # 357,611 / 290,442 = 1.231, 3.67 / 2.49 = 1.474
        self.assertEqual(done.warnings, ["warning: dmmoe has 23 % more parameters than homogeneous",
                                         "warning: dmmoe has 47 % more executed MACs than homogeneous"])

    def test_programs_get_numbers(self):
        self.make_published()
        words = ["compare", "runs/mix/a", "runs/mix/b", "--group", "name", "--format"]
        (row,) = json.loads(self.succeeds(*words, "json").stdout)
        self.assertEqual((row["model"], row["runs"]), ("dmmoe", 2))
        self.assertAlmostEqual(row["valid_accuracy"], 0.59)
        self.assertAlmostEqual(row["valid_accuracy_deviation"], 0.02 / 2**0.5)
        self.assertEqual(row["params"], 357611)
        (row,) = csv.DictReader(io.StringIO(self.succeeds(*words, "csv").stdout))
        self.assertEqual(float(row["executed_macs"]), 3_670_000)
        self.assertIn("| dmmoe | 2 |", self.succeeds(*words, "md").stdout)

    def test_single_runs_have_rows_of_their_own(self):
        self.make_published()
        done = self.succeeds("compare", "runs/mix/a", "mix/b", "homogeneous")
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()[1:]],
                         ["mix/a", "mix/b", "homogeneous"], "runs of one name show their folders")

    def test_equal_budgets_are_not_warned_of(self):
        self.make_run("a", "a", [0.5], None, params=110, **{"macs.executed": 100.0})
        self.make_run("b", "b", [0.5], None, params=100)
        done = self.succeeds("compare", "a", "b")
        self.assertEqual(done.warnings, [])

    def test_trained_runs_record_all_that_is_compared(self):
        self.succeeds("train", *program.small({"train.test_at_end": "true"}), "--out", "a")
        self.succeeds("train", *program.small({"seed": 2}), "--out", "b")
        rows = json.loads(self.succeeds("compare", "a", "b", "--format", "json").stdout)
        self.assertEqual([row["model"] for row in rows], ["a", "b"])
        for key, value in rows[0].items():
            if not key.endswith("_deviation") and key not in ("knock_out", "latency_ms"):  # recorded when asked for
                self.assertIsNotNone(value, key)
        self.assertIsNone(rows[1]["test_accuracy"])
        self.assertFalse((self.program.folder / "runs").exists(), "an index where no runs are")

    def test_what_cannot_be_compared_is_refused(self):
        self.make_published()
        self.refuses(USAGE, ["compare: expected two or more runs"], "compare", "runs/mix/a")
        self.refuses(INPUT, ["no run of that path", 'nearest: "dmmoe"'], "compare", "dmmo", "runs/mix/a")
        self.refuses(USAGE, ["2 runs match: mix/a"], "compare", "dmmoe", "runs/mix/a")
        self.refuses(USAGE, ['--group: none of the runs has a setting "nmae"'], "compare", "runs/mix/a", "runs/mix/b",
                     "--group", "nmae")


if __name__ == "__main__":
    unittest.main()
