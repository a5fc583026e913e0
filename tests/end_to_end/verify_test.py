"""Checking runs: sound ones pass every check and stay as they are, damage is found and named."""

import json
import shutil
import unittest

import program
from program import CHECK, INPUT, USAGE, ProgramTest

RUN = "run"


class VerifyTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        done = cls.shared.run("train", *program.small(), "--out", RUN)
        assert done.code == program.DONE, done.stderr

    def setUp(self) -> None:
        super().setUp()
        self.run_folder = self.program.path(RUN)
        shutil.copytree(self.shared.path(RUN), self.run_folder)

    def fails(self, says: list[str], *words: str) -> str:
        """It ends with the code of failed checks and one line of error that has these parts."""
        done = self.program.run("verify", *words)
        self.assertEqual(done.code, CHECK, done.stdout + done.stderr)
        (error,) = done.stderr.splitlines()
        for part in says:
            self.assertIn(part, error)
        return done.stdout

    def test_a_sound_run_passes_every_check_and_is_not_touched(self):
        before = program.digests(self.run_folder)
        names = sorted(path.name for path in self.run_folder.rglob("*"))
        lines = self.succeeds("verify", RUN).stdout.splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[0], r"^ok      \d+ files$")
        step = program.last_step(self.run_folder)
        same = r", 0 of \d[\d,]* values differ$"
        self.assertRegex(lines[1], rf"^ok      resume at step {step} equals unbroken run over 20 steps{same}")
        self.assertRegex(lines[2], rf"^ok      20 steps from step {step} give the same twice{same}")
        self.assertRegex(lines[3], r"^ok      routing plans are equal for 1 and \d+ threads, 0 of \d[\d,]* tokens differ$")
        self.assertEqual(program.digests(self.run_folder), before)
        self.assertEqual(sorted(path.name for path in self.run_folder.rglob("*")), names)

    def test_each_check_can_be_asked_for(self):
        rows = json.loads(self.succeeds("verify", RUN, "--resume", "--steps", "5", "--format", "json").stdout)
        self.assertEqual([(row["check"], row["ok"]) for row in rows], [("resume", True)])
        rows = json.loads(self.succeeds("verify", RUN, "--determinism", "--steps", "3", "--format", "json").stdout)
        self.assertEqual([row["check"] for row in rows], ["determinism", "threads"])

    def test_a_checkpoint_and_a_file_can_be_checked(self):
        checkpoint = program.checkpoint(self.run_folder)
        done = self.succeeds("verify", str(checkpoint), "--steps", "4")
        self.assertTrue(done.stdout.startswith("ok      4 files\n"), done.stdout)
        done = self.succeeds("verify", str(checkpoint / "model.safetensors"))
        self.assertEqual(done.stdout, "ok      1 file\n")

    def test_damage_is_found_and_named(self):
        model = program.checkpoint(self.run_folder) / "model.safetensors"
        contents = bytearray(model.read_bytes())
        contents[-100] ^= 1
        model.write_bytes(contents)
        says = ["verify: 1 of 1 checks failed", "model.safetensors: its SHA-256 differs"]
        printed = self.fails(says, RUN)
        self.assertTrue(printed.startswith("FAILED  run/checkpoints/"), printed)
        self.fails(says, RUN, "--checksums")

    def test_damaged_metrics_and_event_files_are_found(self):
        with self.run_folder.joinpath("metrics.jsonl").open("a") as file:
            file.write('{"step": 11')
        (events,) = self.run_folder.glob("events.out.tfevents.*")
        events.write_bytes(events.read_bytes()[:-1])
        printed = self.fails(["verify: 2 of 2 checks failed", "metrics.jsonl: byte "], RUN, "--checksums")
        self.assertIn("the last line is cut short", printed)
        self.assertIn(f"{events.name}: byte ", printed)

    def test_a_model_that_came_without_its_texts_is_checked_as_far_as_it_goes(self):
        self.program.write("text.txt", "the cat sat on the mat. " * 200)
        config = """name = "text"
[data]
kind = "text_lm"
path = "text.txt"
batch = 4
length = 16
tokenizer = { kind = "byte", vocabulary = "observed" }
[model]
kind = "llama"
width = 16
layers = 1
heads = 2
dense = { kind = "swiglu", hidden = 16 }
[train]
epochs = 1
tensorboard = false
"""
        self.program.write("my.toml", config)
        self.succeeds("train", "my.toml", "--out", "text")
        self.program.path("text.txt").unlink()
        lines = self.succeeds("verify", "text").stdout.splitlines()
        self.assertRegex(lines[0], r"^ok      \d+ files$")
        self.assertRegex(lines[1], r"^skipped steps of training, whose data are not here: .*text\.txt: not found")
        self.assertEqual(len(lines), 2)
        self.refuses(INPUT, ["text.txt: not found"], "verify", "text", "--resume")

    def test_what_cannot_be_checked_is_refused(self):
        self.refuses(INPUT, ["none: no such file or folder"], "verify", "none")
        self.program.path("empty").mkdir()
        self.refuses(INPUT, ["empty: is no run's folder"], "verify", "empty")
        model = program.checkpoint(self.run_folder) / "model.safetensors"
        self.refuses(INPUT, ["expected a run's folder with a checkpoint"], "verify", str(model), "--resume")
        self.refuses(USAGE, ["steps", "got 1"], "verify", RUN, "--steps", "1")


if __name__ == "__main__":
    unittest.main()
