"""Trouble that a run lives through with a warning, and the one that ends it: numbers that are none."""

import json
import math
import re
import resource
import signal
import subprocess
import unittest

import program
from program import FAILED, INTERRUPTED, ProgramTest, wait_for

RUN = "run"
SMALL_FILES = 60_000  # bytes: the model's file fits, the optimizer's does not
CONSTANT = {"train.schedule": '{kind="constant"}'}  # a longer run then begins like a shorter one
# Which of the two is met first is a question of the processor's products.
NO_NUMBERS = (
    r"step (\d+): .*(?:; first non-finite value: \S+, [\d,]+ of [\d,]+ rows"
    r"|scores: expected numbers, got NaN for .* tokens, .*; all before them is finite)\. (.*)\. Next: a smaller train\."
)


def limit_files() -> None:
    """Files may grow to SMALL_FILES bytes; writing more fails, as it does on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_FILES, SMALL_FILES))


class TroubleTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.run_folder = self.program.path(RUN)

    def train(self, changes: dict | None = None, **options) -> program.Done:
        return self.succeeds("train", *program.small(CONSTANT | (changes or {})), "--out", RUN, **options)

    def assert_runs_to_the_end(self, steps: int) -> None:
        self.assertEqual(program.state(self.run_folder), "done")
        self.assertEqual(program.metrics(self.run_folder)[-1]["step"], steps)
        for line in (line for line in program.metrics(self.run_folder) if line["kind"] != "experts"):
            self.assertTrue(math.isfinite(line["loss"]))

    def test_a_save_that_fails_warns_and_the_older_checkpoint_stays_valid(self):
        self.train()
        before = program.digests(self.run_folder / "checkpoints")
        once = {"train.epochs": 3, "train.checkpoint.every_steps": 0, "train.checkpoint.every_epochs": 3}
        words = ["train", "--resume", RUN, *program.settings(once)]
        done = self.succeeds(*words, preexec_fn=limit_files)
        self.assertEqual(len(done.warnings), 2, done.stderr)
        self.assertEqual(done.warnings[1], f"warning: no report: {RUN}/report.html: cannot be written: File too large")
        says = rf"^warning: step 15: no checkpoint: {RUN}/.*optimizer\.safetensors: cannot be written: File too large\."
        self.assertRegex(done.warnings[0], says)
        self.assertTrue(done.warnings[0].endswith("The run goes on; the last one is of step 10"), done.warnings[0])
        self.assertEqual(program.digests(self.run_folder / "checkpoints"), before)
        self.assertEqual(program.metrics(self.run_folder)[-1]["step"], 15)
        self.assertIn(done.warnings[0], (self.run_folder / "log.txt").read_text())
        self.succeeds("eval", RUN)

    def test_what_a_failed_save_lost_is_made_up_for(self):
        self.train()
        longer = ["train", "--resume", RUN, "--set", "train.epochs=3"]
        self.succeeds(*longer, preexec_fn=limit_files)
        self.succeeds(*longer)
        self.assertEqual(program.last_step(self.run_folder), 15)
        self.succeeds("train", *program.small(CONSTANT | {"train.epochs": 3}), "--out", "other")
        other = self.program.path("other")
        self.assert_same_files(program.checkpoint(self.run_folder), program.checkpoint(other))
        self.assertEqual(program.metrics(self.run_folder), program.metrics(other))

    def test_a_run_without_any_checkpoint_says_so(self):
        done = self.train(preexec_fn=limit_files)
        self.assertTrue(done.warnings[0].endswith("The run goes on; there is none yet"), done.warnings[0])
        self.assertEqual(program.steps(self.run_folder), [])

    def test_an_interrupted_run_that_cannot_save_does_not_say_that_it_did(self):
        words = ["train", *program.small(CONSTANT | {"train.epochs": 10000}), "--out", RUN]
        process = self.program.start(*words, preexec_fn=limit_files)
        wait_for(lambda: "no checkpoint" in self.program.path("stderr").read_text(), "a save that fails")
        process.send_signal(signal.SIGINT)
        done = self.program.finish(process)
        self.assertIn(done.code, (FAILED, INTERRUPTED), done.stderr)
        self.assertNotIn("saved step", done.stderr)
        self.assertIn("there is none yet", done.stderr.splitlines()[-2] + done.stderr.splitlines()[-1])

    def test_a_log_that_cannot_be_written_ends_the_run_with_its_reason(self):
        self.train()
        log = self.run_folder / "log.txt"
        log.unlink()
        log.symlink_to("/dev/full")
        done = self.program.run("train", "--resume", RUN, *program.settings({"train.epochs": 3}))
        self.assertEqual(done.code, FAILED, done.stderr)
        says = f"{RUN}/log.txt: cannot be written: No space left on device"
        self.assertEqual(done.stderr.splitlines()[-1], f"heterodyne: error: {says}")
        self.assertEqual(done.warnings, [f"warning: {says}"], "that the reason could not be logged, and nothing else")
        self.assertEqual(program.state(self.run_folder), "failed")

    def test_a_full_disk_lets_the_run_go_on(self):
        # A file system in memory that only the child sees, with room for two checkpoints and not for three.
        alone = ["unshare", "--user", "--map-root-user", "--mount"]
        mount = "mount -t tmpfs -o size=400k tmpfs disk"
        self.program.path("disk").mkdir()
        try:
            subprocess.run([*alone, *mount.split()], cwd=self.program.folder, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("no file system in memory can be mounted here")
        script = mount + ' && "$@"; code=$?; cp -r disk kept; exit $code'
        words = ["train", *program.small(), "--out", f"disk/{RUN}"]
        done = self.succeeds(*words, under=[*alone, "sh", "-c", script, "sh"])
        says = r"^warning: step \d+: no checkpoint: disk/run: a checkpoint needs [\d,]+ bytes, [\d,]+ are free\. The run "
        self.assertRegex(done.warnings[0], says)
        kept = self.program.path(f"kept/{RUN}")
        self.assertEqual(program.metrics(kept)[-1]["step"], 10)
        self.assertEqual(program.steps(kept)[-1], program.last_step(kept))
        self.succeeds("eval", str(kept))

    def test_a_batch_of_one_trains(self):
        self.train({"data.batch": 1, "data.examples": 20, "data.validation": 0.5})
        self.assert_runs_to_the_end(20)
        self.succeeds("eval", RUN)

    def test_a_batch_of_one_trains_behind_the_convolutional_stem(self):
        recipe = (program.SOURCE / "configs/synthetic/dmmoe.toml").read_text()
        self.program.write("my.toml", recipe.replace("patch = 4", 'stem = "conv"'))
        changes = {"data.batch": 1, "data.examples": 10, "data.validation": 0, "model.width": 16, "train.epochs": 1}
        self.succeeds("train", "my.toml", *program.settings(changes), "--out", RUN)
        self.assert_runs_to_the_end(10)

    def test_a_run_without_validation_images_trains(self):
        done = self.train({"data.validation": 0})
        self.assert_runs_to_the_end(10)
        self.assertIn("no validation split", done.stderr)
        self.assertFalse((self.run_folder / "checkpoints/BEST").exists())
        self.succeeds("eval", RUN)

    def test_an_expert_that_is_never_used_is_warned_about_once(self):
        # Sixty experts, one choice for each of a few tokens, and the same ones again and again.
        many = {"model.moe.experts": '[{kind="mlp",hidden=8,count=60}]', "model.moe.router": '{kind="top_k",k=1}'}
        few = {"data.examples": 60, "data.batch": 50, "train.epochs": 20, "train.log_every": 20}
        done = self.train(many | few | {"train.checkpoint.every_steps": 0})
        self.assert_runs_to_the_end(20)
        last = program.metrics(self.run_folder)[-1]
        self.assertGreater(last["layers.0.dead"], 0)
        self.assertRegex(done.stderr, r"  dead [1-9]\d*/60  ")
        self.assertEqual(len(done.warnings), 1, done.stderr)
        self.assertRegex(done.warnings[0], r"^warning: layers\.0: .*expert")

    def test_numbers_that_are_none_end_the_run(self):
        changes = {"train.optimizer.lr": 1e30, "train.checkpoint.every_steps": 1}
        words = ["train", *program.small(CONSTANT | changes), "--out", RUN]
        done = self.refuses(FAILED, ["heterodyne: error: step "], *words)
        told = re.search(NO_NUMBERS, done.stderr)
        self.assertTrue(told, done.stderr)
        last = program.last_step(self.run_folder)
        self.assertEqual(told[2], f"Last good checkpoint: step {last}")
        self.assertEqual(int(told[1]), last + 1)
        self.assertEqual(program.state(self.run_folder), "failed")
        self.assertIn(told[0], (self.run_folder / "log.txt").read_text())
        for line in (self.run_folder / "metrics.jsonl").read_text().splitlines():
            json.loads(line, parse_constant=self.fail)  # NaN is no JSON

    def test_numbers_that_are_none_before_any_checkpoint_end_the_run_too(self):
        changes = {"train.optimizer.lr": 1e30, "train.checkpoint.every_steps": 0}
        words = ["train", *program.small(CONSTANT | changes), "--out", RUN]
        done = self.refuses(FAILED, ["There is no checkpoint yet"], *words)
        self.assertRegex(done.stderr, NO_NUMBERS)
        self.assertEqual(program.state(self.run_folder), "failed")


if __name__ == "__main__":
    unittest.main()
