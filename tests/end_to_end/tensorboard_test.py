"""What TensorBoard's own reader finds in a run's event files. Skipped where TensorBoard is not installed.

The reader runs in the interpreter that has it: this one, or that of tools/setup_ci.
"""

import json
import pathlib
import signal
import struct
import subprocess
import sys
import unittest

import program
from program import ProgramTest, wait_for

CANDIDATES = [sys.executable, str(program.SOURCE / ".deps/ci/bin/python3")]
RUN = "run"

READER = """
import json, logging, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
if len(sys.argv) > 1:
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    events = EventAccumulator(sys.argv[1], {"scalars": 0, "histograms": 0}).Reload()
    tags = events.Tags()
    histograms = {}
    for tag in tags["histograms"]:
        values = [(event.step, event.histogram_value) for event in events.Histograms(tag)]
        histograms[tag] = {step: [list(value.bucket_limit), list(value.bucket)] for step, value in values}
    scalars = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags["scalars"]}
    json.dump({"scalars": scalars, "histograms": histograms}, sys.stdout)
"""


def has_tensorboard(python: str) -> bool:
    return pathlib.Path(python).exists() and subprocess.run([python, "-c", READER], capture_output=True).returncode == 0


PYTHON = next(filter(has_tensorboard, CANDIDATES), None)


def read(run: pathlib.Path) -> dict:
    done = subprocess.run([PYTHON, "-c", READER, str(run)], capture_output=True, text=True, check=True)
    assert "orrupt" not in done.stderr and "crc" not in done.stderr.lower(), done.stderr
    return json.loads(done.stdout)


def as_float32(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


def numbers(line: dict) -> dict[str, float]:
    return {key: value for key, value in line.items() if key not in ("step", "kind")}


def event_files(run: pathlib.Path) -> list[pathlib.Path]:
    return sorted(run.glob("events.out.tfevents.*"))


class SettingTest(ProgramTest):
    def test_without_the_setting_there_is_no_file(self):
        self.succeeds("train", *program.small({"train.tensorboard": False}), "--out", RUN)
        self.assertEqual(event_files(self.program.path(RUN)), [])
        # It may change when a run goes on.
        self.succeeds("train", "--resume", RUN, *program.settings({"train.tensorboard": True, "train.epochs": 3}))
        self.assertEqual(len(event_files(self.program.path(RUN))), 1)


@unittest.skipUnless(PYTHON, "skipped: the Python package tensorboard is not installed; tools/setup_ci installs it")
class TensorboardTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        shared = cls.shared_program()
        done = shared.run("train", *program.small(), "--out", RUN)
        assert done.code == program.DONE, done.stderr
        cls.run_folder = shared.path(RUN)
        cls.events = read(cls.run_folder)
        cls.lines = [json.loads(line) for line in (cls.run_folder / "metrics.jsonl").read_text().splitlines()]

    def of_kind(self, kind: str) -> dict[int, dict]:
        return {line["step"]: line for line in self.lines if line["kind"] == kind}

    def test_training_curves_are_the_metrics_of_the_run(self):
        lines = self.of_kind("train")
        for name in numbers(next(iter(lines.values()))):
            expected = [[step, as_float32(line[name])] for step, line in lines.items()]
            self.assertEqual(self.events["scalars"][f"train/{name}"], expected, name)

    def test_validation_curves_are_the_metrics_of_the_run(self):
        lines = self.of_kind("valid")
        self.assertEqual(len(lines), 2)
        for name in ("accuracy", "loss", "layers.0.entropy", "layers.0.max_violation"):
            expected = [[step, as_float32(line[name])] for step, line in lines.items()]
            self.assertEqual(self.events["scalars"][f"valid/{name}"], expected, name)

    def test_the_load_of_the_experts_is_a_histogram_of_each_validation(self):
        (load,) = self.events["histograms"].values()
        for step, line in self.of_kind("valid").items():
            limits, counts = load[str(step)]
            self.assertEqual(limits, [-0.5, 0.5, 1.5, 2.5, 3.5])
            self.assertEqual(counts[0], 0)
            self.assertAlmostEqual(max(counts) * 4 / sum(counts) - 1, line["layers.0.max_violation"])
            self.assertEqual(sum(count == 0 for count in counts[1:]), line["layers.0.dead"])
            self.assertEqual(sum(counts) % line["layers.0.mean_k"], 0)

    def test_many_experts_add_no_scalars(self):
        experts = {"model.moe.experts": '[{kind="mlp",hidden=4,count=64}]', "model.moe.router.k": 2}
        self.succeeds("train", *program.small(experts), "--out", RUN)
        events = read(self.program.path(RUN))
        self.assertEqual(set(events["scalars"]), set(self.events["scalars"]))
        self.assertLessEqual(len(events["scalars"]), 12 + 8)

    def test_after_a_resume_the_steps_of_the_lost_future_are_gone(self):
        # Killed, so that lines of metrics beyond the last checkpoint have to be dropped.
        settings = {"train.epochs": 12, "train.log_every": 1, "train.checkpoint.every_steps": 7}
        process = self.program.start("train", *program.small(settings), "--out", RUN)
        run = self.program.path(RUN)
        wait_for(lambda: program.last_step(run) >= 14, "step 14")
        process.send_signal(signal.SIGKILL)
        self.program.finish(process)
        self.succeeds("train", "--resume", RUN)
        self.assertEqual(len(event_files(run)), 2)
        lines = [line for line in program.metrics(run) if line["kind"] == "train"]
        expected = [[line["step"], as_float32(line["loss"])] for line in lines]
        self.assertEqual(read(run)["scalars"]["train/loss"], expected)

    def test_a_step_that_comes_again_counts_once(self):
        self.succeeds("train", *program.small({"train.epochs": 1, "train.log_every": 1}), "--out", RUN)
        run = self.program.path(RUN)
        before = read(run)["scalars"]["train/loss"]
        self.assertEqual([step for step, _ in before], [1, 2, 3, 4, 5])
        (run / "checkpoints/step-00000005/manifest.json").unlink()
        self.assertIn("going on at step 4", self.succeeds("train", "--resume", RUN).stderr)
        self.assertEqual(read(run)["scalars"]["train/loss"], before, "step 5 was written twice and counts once")


if __name__ == "__main__":
    unittest.main()
