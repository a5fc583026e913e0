"""A run from beginning to end: what it leaves behind, what it says, what evaluating it gives, and repeating it."""

import csv
import io
import json
import re
import tomllib
import unittest

import program
from program import ProgramTest

ESCAPE = "\x1b"


class TrainTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.done = cls.shared.run("train", *program.small())
        cls.run_folder = cls.shared.path("runs/synthetic-dmmoe")

    def evaluate(self, *words: str) -> str:
        done = self.shared.run("eval", "runs/synthetic-dmmoe", *words)
        self.assertEqual((done.code, done.stderr), (0, ""))
        return done.stdout

    def test_training_ends_well(self):
        self.assertEqual(self.done.code, program.DONE, self.done.stderr)

    def test_the_run_folder_holds_what_it_must_and_nothing_else(self):
        names = {path.name for path in self.run_folder.iterdir()}
        expected = {"resolved.toml", "environment.json", "metrics.jsonl", "state", "log.txt", "checkpoints"}
        expected |= {"routing.safetensors", "report.html"}
        events = {name for name in names if name.startswith("events.out.tfevents.")}
        self.assertEqual(len(events), 1)
        self.assertEqual(names - events - {".lock"}, expected)

    def test_the_state_says_done(self):
        self.assertRegex((self.run_folder / "state").read_text(), r"^done\npid \d+\nheartbeat \d+\n$")

    def test_the_latest_three_checkpoints_and_the_best_stay(self):
        best = int((self.run_folder / "checkpoints/BEST").read_text())
        self.assertEqual(program.last_step(self.run_folder), 10)
        self.assertEqual(program.steps(self.run_folder), sorted({6, 8, 10, best}))
        for folder in (self.run_folder / "checkpoints").glob("step-*"):
            names = sorted(path.name for path in folder.iterdir())
            self.assertEqual(names, ["manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"])

    def test_the_manifest_has_size_and_digest_of_each_file(self):
        folder = program.checkpoint(self.run_folder)
        listed = json.loads((folder / "manifest.json").read_text())["files"]
        digests = program.digests(folder)
        del digests["manifest.json"]
        self.assertEqual({name: entry["sha256"] for name, entry in listed.items()}, digests)
        for name, entry in listed.items():
            self.assertEqual(entry["bytes"], (folder / name).stat().st_size)

    def test_the_metrics_are_lines_of_json(self):
        lines = [json.loads(line) for line in (self.run_folder / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual([line["step"] for line in lines if line["kind"] == "train"], [2, 4, 6, 8, 10])
        self.assertEqual([line["step"] for line in lines if line["kind"] == "valid"], [5, 10])
        self.assertEqual([line["step"] for line in lines if line["kind"] == "experts"], [2, 4, 6, 8, 10])
        for line in lines:
            if line["kind"] == "experts":
                self.assertEqual(line["layers.0"]["id"], [0, 1, 2, 3])
                continue
            self.assertTrue(0 <= line["accuracy"] <= 1)
            self.assertGreater(line["loss"], 0)

    def test_the_test_split_is_not_touched(self):
        self.assertNotIn('"test"', (self.run_folder / "metrics.jsonl").read_text())
        self.assertIn("test set untouched", self.done.stderr)

    def test_the_environment_names_the_machine_and_the_command(self):
        environment = json.loads((self.run_folder / "environment.json").read_text())
        self.assertEqual(environment["command"][1:], ["train", *program.small()])
        self.assertEqual(environment["threads"], 1)
        for key in ("version", "commit", "torch", "compiler", "processor", "os", "device"):
            self.assertTrue(environment[key], key)

    def test_the_resolved_configuration_has_every_setting_and_where_it_comes_from(self):
        text = (self.run_folder / "resolved.toml").read_text()
        resolved = tomllib.loads(text)
        self.assertEqual(resolved["model"]["width"], 16)
        kinds = [expert["kind"] for expert in resolved["model"]["moe"]["experts"]]
        self.assertEqual(kinds, ["mlp", "conv1d", "vit_block", "lstm_cell"])
        self.assertRegex(text, r"(?m)^width = 16 +# --set model\.width=16$")
        self.assertRegex(text, r"(?m)^patch = 4 +# synthetic/dmmoe:\d+$")
        self.assertRegex(text, r"(?m)^accumulate = 1 +# default$")

    def test_standard_output_has_the_expert_shares_alone(self):
        lines = self.done.stdout.splitlines()
        self.assertRegex(lines[0], r"^layers\.0 +240 assignments  k 2\.00  .*dead 0")  # 30 images x 4 patches x k = 2
        shares = [float(share) for share in re.findall(r"(?m)^ +\d (?:mlp|cnn|vit|rnn) .* ([\d.]+) %  x", self.done.stdout)]
        self.assertEqual(len(shares), 4)
        self.assertAlmostEqual(sum(shares), 100, delta=0.3)
        self.assertRegex(self.done.stdout, r"(?m)^class information NMI ")
        self.assertRegex(self.done.stdout, r"MAC of an example: routed .*, executed .*\n  [\d,]+ parameters\n$")

    def test_standard_error_has_the_talk_in_plain_lines(self):
        lines = self.done.stderr.splitlines()
        self.assertRegex(lines[0], r"^run .*synthetic-dmmoe   10,323 parameters, 2 of 4 experts per token ")
        self.assertRegex(lines[1], r"^data 270 train / 30 valid   batch 64   5 steps/epoch$")
        self.assertRegex(lines[2], r"^epoch 0\.40/2  step 2  loss \d\.\d+ .* acc .* max/ideal .* img/s  eta ")
        self.assertRegex(lines[-2], r"^done in .*best valid\.accuracy .* at step \d+ ")
        self.assertEqual(lines[-1], f"report: {self.run_folder / 'report.html'}")
        self.assertEqual((self.run_folder / "log.txt").read_text(), self.done.stderr)

    def test_nothing_is_coloured_or_redrawn_without_a_terminal(self):
        for text in (self.done.stdout, self.done.stderr):
            self.assertNotIn(ESCAPE, text)
            self.assertNotIn("\r", text)

    def test_quiet_leaves_the_data_alone(self):
        done = self.succeeds("train", *program.small(), "--quiet")
        self.assertEqual((done.stdout, done.stderr), (self.done.stdout, ""))

    def test_training_from_the_resolved_configuration_repeats_the_run(self):
        self.succeeds("train", str(self.run_folder / "resolved.toml"))
        self.assert_same_run(self.program.path("runs/synthetic-dmmoe"), self.run_folder)

    def test_another_seed_is_another_run(self):
        self.succeeds("train", *program.small(), "--seed", "2", "--out", "other")
        other = self.program.path("other")
        self.assertEqual(tomllib.loads((other / "resolved.toml").read_text())["seed"], 2)
        self.assertNotEqual(program.metrics(other), program.metrics(self.run_folder))

    def test_dropped_assignments_are_counted(self):
        scarce = 'model.moe.dispatcher={ kind = "capacity", factor = 0.5 }'
        done = self.succeeds("train", *program.small({"train.epochs": 1}), "--set", scarce)
        self.assertRegex(done.stderr, r"dead \d/4  H [\d.]+  drop [\d.]+ %")
        lines = program.metrics(self.program.path("runs/synthetic-dmmoe"))
        dropped = [line["layers.0.dropped"] for line in lines if line["kind"] in ("train", "valid")]
        self.assertTrue(all(0.45 < share < 0.8 for share in dropped[:-1]), dropped)  # room for half of an even load
        self.assertEqual(dropped[-1], 0)  # evaluation has room for all

    def test_the_test_split_is_measured_at_the_end_when_asked_for(self):
        done = self.succeeds("train", *program.small({"train.test_at_end": True}))
        run = self.program.path("runs/synthetic-dmmoe")
        last = program.metrics(run)[-1]
        self.assertEqual((last["kind"], last["step"]), ("test", 10))
        self.assertRegex(done.stderr, r"test accuracy [\d.]+ %")
        evaluation = json.loads(self.succeeds("eval", str(run), "--format", "json").stdout)
        self.assertEqual(evaluation["metrics"]["accuracy"], last["accuracy"])

    def test_evaluation_as_json_has_its_fixed_form(self):
        evaluation = json.loads(self.evaluate("--format", "json"))
        self.assertEqual(list(evaluation), ["model", "split", "n", "metrics", "classes"])
        self.assertEqual((evaluation["model"], evaluation["split"]), ("runs/synthetic-dmmoe", "test"))
        self.assertEqual(evaluation["n"], 1000)
        metrics = evaluation["metrics"]
        self.assertTrue(0 <= metrics["accuracy"] <= 1)
        shares = [metrics[f"layers.0.experts.{expert}.share"] for expert in range(4)]
        self.assertAlmostEqual(sum(shares), 1)

    def test_evaluation_of_the_validation_split_repeats_the_best_validation(self):
        evaluation = json.loads(self.evaluate("--split", "valid", "--format", "json"))
        best = int((self.run_folder / "checkpoints/BEST").read_text())
        logged = [m for m in program.metrics(self.run_folder) if m["kind"] == "valid" and m["step"] == best]
        for name, value in logged[0].items():
            if name not in ("step", "kind"):
                self.assertEqual(evaluation["metrics"][name], value, name)

    def test_evaluation_takes_a_checkpoint_folder_too(self):
        best = program.checkpoint(self.run_folder, "BEST").relative_to(self.shared.folder)
        done = self.shared.run("eval", str(best), "--format", "json")
        self.assertEqual(json.loads(done.stdout)["metrics"], json.loads(self.evaluate("--format", "json"))["metrics"])

    def test_evaluation_as_csv_and_markdown_says_the_same(self):
        metrics = json.loads(self.evaluate("--format", "json"))["metrics"]
        rows = list(csv.reader(io.StringIO(self.evaluate("--format", "csv"))))
        self.assertEqual(rows[0], ["metric", "value"])
        self.assertEqual({name: float(value) for name, value in rows[1:]}, metrics)
        table = [line.strip("|").split("|") for line in self.evaluate("--format", "md").splitlines()]
        self.assertEqual([cell.strip() for cell in table[0]], ["metric", "value"])
        self.assertEqual([row[0].strip() for row in table[2:]], list(metrics))

    def test_evaluation_as_a_table_has_a_line_for_each_class_and_expert(self):
        text = self.evaluate()
        self.assertRegex(text, r"^runs/synthetic-dmmoe  test split, 1,000 examples   accuracy [\d.]+ %   loss ")
        self.assertEqual(len(re.findall(r"(?m)^class \d( +[\d.]+){4}$", text)), 10)
        self.assertRegex(text, r"(?m)^mean, weighted by examples( +[\d.]+){3} +1000$")
        self.assertEqual(len(re.findall(r"(?m)^ +\d (mlp|cnn|vit|rnn) .* %  x\d", text)), 4)


if __name__ == "__main__":
    unittest.main()
