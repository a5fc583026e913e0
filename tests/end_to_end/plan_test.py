"""--dry-run and --device: what would be done is said, and nothing is; a device that is not there is refused."""

import unittest

import program
from program import FAILED, USAGE, ProgramTest, settings

RUN = "run"


class PlanTest(ProgramTest):
    def leaves_all_as_it_is(self, *words: str) -> str:
        before = program.digests(self.program.folder)
        done = self.succeeds(*words)
        self.assertEqual(done.stderr.splitlines()[-1], "nothing was done: --dry-run")
        after = program.digests(self.program.folder)
        for name in ("stdout", "stderr"):  # of the runs themselves
            before.pop(name, None), after.pop(name, None)
        self.assertEqual(after, before)
        return done.stdout

    def test_a_training_run(self):
        plan = self.leaves_all_as_it_is("train", *program.small(), "--out", RUN, "--dry-run")
        self.assertFalse(self.program.path(RUN).exists())
        # 270 images in batches of 64: 5 steps an epoch.
        self.assertIn("data 270 train / 30 valid   batch 64   5 steps/epoch", plan)
        self.assertIn("would train 10 steps, to step 10 at the end of 2 epochs", plan)
        self.assertRegex(plan, r"forward passes over 540 examples: [\d.]+ k MACs each, [\d.]+ M in all")
        trained = self.succeeds("train", *program.small(), "--out", RUN)
        self.assertIn(plan.splitlines()[0], trained.stderr, "what a run says of itself")

    def test_a_run_that_goes_on(self):
        self.succeeds("train", *program.small(), "--out", RUN)
        plan = self.leaves_all_as_it_is("train", "--resume", RUN, *settings({"train.epochs": 3}), "--dry-run")
        self.assertIn("would train 5 steps from step 10, to step 15 at the end of 3 epochs", plan)
        self.assertIn("would train 0 steps from step 10", self.leaves_all_as_it_is("train", "--resume", RUN, "--dry-run"))
        self.refuses(USAGE, ["model.width was 16 when step 10 was saved, is 32 now"],
                     "train", "--resume", RUN, "--set", "model.width=32", "--dry-run")

    def test_what_would_be_refused_is_refused(self):
        self.program.path(RUN).mkdir()
        self.program.write(f"{RUN}/file", "x")
        self.refuses(USAGE, ["expected a new folder"], "train", *program.small(), "--out", RUN, "--dry-run")

    def test_a_model_that_is_looked_at(self):
        self.succeeds("train", *program.small(), "--out", RUN)
        plan = self.leaves_all_as_it_is("eval", RUN, "--limit", "200", "--dry-run")
        self.assertRegex(plan, r"^would evaluate run, step \d+, on the test split; forward passes over 200 examples: ")
        plan = self.leaves_all_as_it_is("route", RUN, "valid", "--knockout", "--similarity", "--dry-run")
        # One pass, one for each of four experts, one for their similarity.
        self.assertIn(f"would measure run on the valid split in 6 passes and write {RUN}/routing.safetensors", plan)
        self.assertIn("forward passes over 180 examples", plan)

    def test_data_and_runs(self):
        plan = self.leaves_all_as_it_is("data", "synth", "mnist", "--limit", "20", "--dry-run")
        self.assertEqual(len(plan.splitlines()), 4)
        self.assertIn("would write data/mnist/train-images-idx3-ubyte", plan)
        self.succeeds("data", "synth", "mnist", "--limit", "20", "--out", "made")
        self.leaves_all_as_it_is("data", "prepare", "mnist", "made/mnist", "--out", "data", "--dry-run")
        self.succeeds("train", *program.small())
        self.assertEqual(self.leaves_all_as_it_is("runs", "rm", "synthetic-dmmoe", "--dry-run").split()[:2],
                         ["would", "remove"])
        self.refuses(USAGE, ["--dry-run goes with runs rm only"], "runs", "ls", "--dry-run")
        self.refuses(USAGE, ["unknown flag --dry-run"], "inspect", RUN, "--dry-run")

    def test_a_device_that_is_not_there(self):
        words = ["train", *program.small(), "--out", RUN]
        self.refuses(FAILED, ['--device: expected cpu, got "cuda:0": ', "Next: --device cpu"], *words, "--device", "cuda:0")
        self.refuses(FAILED, ['HETERODYNE_DEVICE: expected cpu, got "cuda"'], *words, env={"HETERODYNE_DEVICE": "cuda"})
        self.refuses(USAGE, ['--device: expected cpu, cuda or cuda:N, got "gpu"'], *words, "--device", "gpu")
        self.assertFalse(self.program.path(RUN).exists())
        self.succeeds(*words, "--device", "cpu", env={"HETERODYNE_DEVICE": "cuda"})


if __name__ == "__main__":
    unittest.main()
