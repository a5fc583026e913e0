"""Exact resume: a run that was killed or interrupted, and went on, ends like one that never was: equal to the bit.

The recipe draws dropout masks and Gumbel noise in every step, so a draw that is lost or repeated would show.
"""

import json
import os
import random
import re
import shutil
import signal
import time
import tomllib
import unittest

import program
from program import DONE, FAILED, INPUT, INTERRUPTED, USAGE, ProgramTest, wait_for

RUN = "run"
EPOCHS = 12
STEPS = 5 * EPOCHS
LONG = {"train.epochs": EPOCHS, "train.log_every": 7, "train.checkpoint.every_steps": 3}


class ResumeTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        done = cls.shared.run("train", *program.small(LONG), "--out", RUN)
        assert done.code == DONE, done.stderr
        cls.unbroken = cls.shared.path(RUN)

    def setUp(self) -> None:
        super().setUp()
        self.run_folder = self.program.path(RUN)
        seed = int(os.environ.get("HETERODYNE_TEST_SEED", time.time_ns() % 1_000_000))
        print(f"{self.id()}: HETERODYNE_TEST_SEED={seed}", flush=True)
        self.random = random.Random(seed)

    def begin(self, changes: dict | None = None) -> list[str]:
        return ["train", *program.small(LONG | (changes or {})), "--out", RUN]

    def stop(self, words: list[str], sent: signal.Signals, step: int, delay: float = 0) -> program.Done:
        """Starts the program and sends it the signal once the checkpoint of that step is there; at once for step 0."""
        process = self.program.start(*words)
        started = self.run_folder / "log.txt"
        wait_for(lambda: process.poll() is not None or started.exists(), "the start of the run")
        wait_for(lambda: process.poll() is not None or program.last_step(self.run_folder) >= step, f"step {step}")
        time.sleep(delay)
        process.send_signal(sent)
        return self.program.finish(process)

    def resume(self, *words: str) -> program.Done:
        return self.succeeds("train", "--resume", RUN, *words)

    def test_a_run_killed_again_and_again_ends_like_an_unbroken_one(self):
        words, kills = self.begin(), 0
        while program.last_step(self.run_folder) < STEPS - 10 and kills < 5:
            step = program.last_step(self.run_folder) + self.random.randrange(1, 15)
            done = self.stop(words, signal.SIGKILL, min(step, STEPS - 3), self.random.uniform(0, 0.03))
            if done.code == DONE:
                break
            self.assertEqual(done.code, -signal.SIGKILL, done.stderr)
            kills += 1
            words = ["train", "--resume", RUN]
        self.assertGreater(kills, 1)
        self.assertEqual(program.state(self.run_folder), "running")
        self.resume()
        self.assert_same_run(self.run_folder, self.unbroken)

    def test_a_run_killed_while_it_saves_ends_like_an_unbroken_one(self):
        # With a checkpoint after each step, most moments are amid one.
        each = {"train.checkpoint.every_steps": 1}
        self.stop(self.begin(each), signal.SIGKILL, 1, self.random.uniform(0, 0.05))
        for _ in range(2):
            words = ["train", "--resume", RUN]
            self.stop(words, signal.SIGKILL, program.last_step(self.run_folder) + 1, self.random.uniform(0, 0.05))
        self.resume("--set", "train.checkpoint.every_steps=3")
        for name in ("model.safetensors", "optimizer.safetensors"):
            mine, unbroken = (program.checkpoint(run) / name for run in (self.run_folder, self.unbroken))
            self.assertEqual(mine.read_bytes(), unbroken.read_bytes(), name)
        self.assertEqual(program.metrics(self.run_folder), program.metrics(self.unbroken))

    def test_a_run_killed_before_its_first_checkpoint_begins_again(self):
        late = {"train.checkpoint.every_steps": 0, "train.checkpoint.every_epochs": 1000, "data.validation": 0}
        self.stop(self.begin(late | {"train.epochs": 2000}), signal.SIGKILL, 0, self.random.uniform(0, 0.3))
        self.assertEqual(program.steps(self.run_folder), [])
        done = self.resume("--set", "train.epochs=3")
        self.assertIn("no checkpoint yet; starting from the beginning", done.stderr)
        self.succeeds("train", *program.small(LONG | late | {"train.epochs": 3}), "--out", "other")
        self.assert_same_run(self.run_folder, self.program.path("other"))

    def test_an_interrupted_run_says_how_to_go_on_and_ends_like_an_unbroken_one(self):
        for sent, step in [(signal.SIGINT, 5), (signal.SIGTERM, 25)]:
            words = self.begin() if step == 5 else ["train", "--resume", RUN]
            done = self.stop(words, sent, step)
            self.assertEqual(done.code, INTERRUPTED, done.stderr)
            self.assertEqual(program.state(self.run_folder), "interrupted")
            said = re.search(r"saved step (\d+)\.  Continue with: heterodyne (train --resume run)\n$", done.stderr)
            self.assertTrue(said, done.stderr)
            self.assertEqual(int(said[1]), program.last_step(self.run_folder))
        done = self.succeeds(*said[2].split())
        self.assertIn(f"going on at step {said[1]} of {STEPS}", done.stderr)
        self.assert_same_run(self.run_folder, self.unbroken)

    def test_a_second_interruption_ends_the_run_at_once_and_loses_nothing(self):
        process = self.program.start(*self.begin())
        wait_for(lambda: program.last_step(self.run_folder) >= 6, "step 6")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.program.finish(process).code, INTERRUPTED)
        self.resume()
        self.assert_same_run(self.run_folder, self.unbroken)

    def test_resuming_by_the_configuration_finds_its_run(self):
        settings = program.small(LONG)
        process = self.program.start("train", *settings)
        run = self.program.path("runs/synthetic-dmmoe")
        wait_for(lambda: program.last_step(run) >= 6, "step 6")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.program.finish(process).code, INTERRUPTED)
        done = self.succeeds("train", *settings, "--resume")
        self.assertIn("going on at step", done.stderr)
        self.assert_same_run(run, self.unbroken)

    def test_the_lines_after_the_checkpoint_are_cut_from_the_metrics(self):
        self.succeeds(*self.begin({"train.epochs": 2}))
        log = self.run_folder / "metrics.jsonl"
        kept = log.read_text()
        with log.open("a") as file:
            file.write('{"step":11,"kind":"train","loss":1.0}\n{"step":14,"kind":"tra')
        self.resume()
        self.assertEqual(log.read_text(), kept)

    def test_a_run_killed_before_it_wrote_anything_can_begin(self):
        self.run_folder.mkdir()
        self.run_folder.joinpath(".lock").write_text("99")
        self.succeeds(*self.begin())
        self.assert_same_run(self.run_folder, self.unbroken)

    def test_what_a_killed_process_left_half_written_is_cleared_away(self):
        self.stop(self.begin(), signal.SIGINT, 3)
        self.run_folder.joinpath("state.tmp-99-0").write_text("done")
        checkpoints = self.run_folder / "checkpoints"
        checkpoints.joinpath("LAST.tmp-99-0").write_text("7")
        checkpoints.joinpath("step-00000099.tmp").mkdir()
        checkpoints.joinpath("step-00000099.tmp/model.safetensors").write_text("half")
        self.resume()
        self.assertEqual([str(path) for path in self.run_folder.rglob("*.tmp*")], [])
        self.assert_same_run(self.run_folder, self.unbroken)

    def test_resuming_a_finished_run_changes_nothing(self):
        self.succeeds(*self.begin({"train.epochs": 2, "train.test_at_end": True}))
        resolved = self.run_folder / "resolved.toml"
        before = program.digests(self.run_folder / "checkpoints")
        values, metrics = resolved.read_text(), (self.run_folder / "metrics.jsonl").read_text()
        done = self.resume()
        self.assertRegex(done.stderr, r"(?m)^done in ")
        self.assertEqual(program.digests(self.run_folder / "checkpoints"), before)
        self.assertEqual(tomllib.loads(resolved.read_text()), tomllib.loads(values))
        self.assertEqual((self.run_folder / "metrics.jsonl").read_text(), metrics)
        self.assertEqual(program.state(self.run_folder), "done")

    def test_a_resumed_run_still_knows_where_its_settings_come_from(self):
        self.stop(self.begin(), signal.SIGINT, 3)
        before = (self.run_folder / "resolved.toml").read_text()
        self.resume()
        self.assertEqual((self.run_folder / "resolved.toml").read_text(), before)

    def test_a_changed_setting_is_refused_with_its_old_and_new_value(self):
        self.stop(self.begin(), signal.SIGINT, 3)
        before = program.digests(self.run_folder)
        for flag, says in [
            ("model.width=32", "model.width was 16 when step "),
            ("train.optimizer.lr=0.5", "train.optimizer.lr was 0.002"),
            ("seed=2", "is 2 now"),
            ("model.moe.experts.0.hidden=64", "model.moe.experts"),
        ]:
            says = ["run: cannot resume: ", says, "New run: heterodyne train run/resolved.toml --out DIR"]
            self.refuses(USAGE, says, "train", "--resume", RUN, "--set", flag)
        after = program.digests(self.run_folder)
        self.assertEqual(after, before)

    def test_a_setting_changed_in_the_resolved_configuration_is_refused_too(self):
        self.stop(self.begin(), signal.SIGINT, 3)
        resolved = self.run_folder / "resolved.toml"
        resolved.write_text(resolved.read_text().replace("lr = 0.002", "lr = 0.5"))
        says = ["run: cannot resume: ", "train.optimizer.lr was 0.002"]
        self.refuses(USAGE, says, "train", "--resume", RUN)

    def test_what_would_lose_something_is_refused(self):
        self.succeeds(*self.begin({"train.epochs": 2}))
        before = program.digests(self.run_folder)
        says = ["run: cannot resume: train.epochs: 1 epochs end at step 5, and step 10 is done"]
        self.refuses(USAGE, says, "train", "--resume", RUN, "--set", "train.epochs=1")
        says = ["train: --out other: a run goes on in its own folder, run"]
        self.refuses(USAGE, says, "train", "--resume", RUN, "--out", "other")
        self.assertEqual(program.digests(self.run_folder), before)
        shutil.rmtree(self.run_folder / "checkpoints")
        before = program.digests(self.run_folder)
        says = ["run/checkpoints: expected checkpoints of a run that is done, found none"]
        self.refuses(INPUT, says, "train", "--resume", RUN)
        self.assertEqual(program.digests(self.run_folder), before)

    def test_a_dry_run_finds_the_checkpoint_that_a_run_would(self):
        self.succeeds(*self.begin({"train.epochs": 2}))
        (self.run_folder / "checkpoints/LAST").unlink()
        plan = self.succeeds("train", "--resume", RUN, "--set", "train.epochs=3", "--dry-run").stdout
        self.assertIn("would train 5 steps from step 10", plan)

    def test_length_logging_and_checkpoints_may_change(self):
        self.succeeds(*self.begin({"train.epochs": 2}))
        self.resume(*program.settings({"train.epochs": 3, "train.log_every": 5, "train.checkpoint.keep": 1}))
        self.assertEqual(program.last_step(self.run_folder), 15)
        resolved = tomllib.loads((self.run_folder / "resolved.toml").read_text())
        self.assertEqual((resolved["train"]["epochs"], resolved["train"]["checkpoint"]["keep"]), (3, 1))

    def test_a_second_process_in_the_same_folder_is_refused(self):
        process = self.program.start(*self.begin({"train.epochs": 10000}))
        self.addCleanup(process.kill)
        wait_for(lambda: program.last_step(self.run_folder) >= 3, "step 3")
        other = program.Program(self.program.folder / "elsewhere")
        other.folder.mkdir()
        done = other.run("train", "--resume", f"../{RUN}")
        self.assertEqual(done.code, FAILED)
        self.assertIn(f"heterodyne: error: ../run: in use by process {process.pid}\n", done.stderr)
        step = program.last_step(self.run_folder)
        wait_for(lambda: program.last_step(self.run_folder) > step, "a step of the first process")
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.program.finish(process).code, INTERRUPTED)
        epochs = program.last_step(self.run_folder) // 5 + 1
        self.resume("--set", f"train.epochs={epochs}")  # the lock went with the process

    def test_other_optimizers_stems_and_accumulation_resume_exactly(self):
        # Momentum, the running statistics of batch norm, gradients over several batches, half an epoch, early stopping.
        changes = {
            "train.optimizer": '{kind="sgd",lr=0.05,momentum=0.9,clip_norm=1}',
            "train.accumulate": 2,
            "train.epochs": 6.5,
            "train.early_stop.patience": 5,
            "model.stem": "conv",
            "data.size": 16,
            "data.examples": 200,
        }
        words = ["train", *program.small(LONG | changes), "--set", "train.checkpoint.every_steps=1"]
        self.program.write("base.toml", re.sub(r"(?m)^patch = .*\n", "", self.recipe()))
        words[1] = "base.toml"
        self.succeeds(*words, "--out", "other")
        self.stop([*words, "--out", RUN], signal.SIGKILL, self.random.randrange(1, 7), self.random.uniform(0, 0.02))
        self.resume()
        self.assert_same_run(self.run_folder, self.program.path("other"))

    def recipe(self) -> str:
        return (program.SOURCE / "configs/synthetic/dmmoe.toml").read_text()


if __name__ == "__main__":
    unittest.main()
