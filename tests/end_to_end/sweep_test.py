"""`heterodyne sweep`: several runs from one line, interrupted and killed, none lost and none run twice."""

import json
import signal
import sqlite3
import unittest

import program
from program import FAILED, INTERRUPTED, USAGE, ProgramTest, settings, wait_for

SMALL = ["synthetic/dmmoe", *settings(program.SMALL)]
SEEDS = ["--grid", "seed=1,2"]
# Long enough to be killed in the middle, with a checkpoint every few steps.
LONG = {"train.epochs": 20, "train.log_every": 50, "train.checkpoint.every_steps": 5,
        "train.checkpoint.every_epochs": 0}


class SweepTest(ProgramTest):
    def folder(self, name: str = "mix"):
        return self.program.path("runs") / name

    def states(self, name: str = "mix") -> dict[str, str]:
        return {path.parent.name: program.state(path.parent) for path in self.folder(name).glob("*/state")}

    def test_every_combination_is_trained_once_and_compared(self):
        words = ["sweep", *SMALL, "--grid", "model.moe.router.k=1,2", *SEEDS, "--out", "runs/mix", "--jobs", "2"]
        done = self.succeeds(*words)
        names = {f"synthetic-dmmoe-k-{k}-seed-{seed}" for k in (1, 2) for seed in (1, 2)}
        self.assertEqual(self.states(), dict.fromkeys(names, "done"))
        header, first, second = done.stdout.splitlines()
        self.assertEqual(first.split()[:2], ["synthetic-dmmoe-k-1", "2"])
        self.assertEqual(second.split()[:2], ["synthetic-dmmoe-k-2", "2"])
        self.assertEqual(sum("   done in " in line for line in done.stderr.splitlines()), 4)
        plan = json.loads((self.folder() / "sweep.json").read_text())
        self.assertEqual({run["folder"] for run in plan["runs"]}, names)
        threads = json.loads((self.folder() / "synthetic-dmmoe-k-1-seed-1/environment.json").read_text())["threads"]
        self.assertEqual(threads, 1, "several at once have one thread each")
        before = program.digests(self.folder() / "synthetic-dmmoe-k-1-seed-1")
        again = self.succeeds(*words)
        self.assertEqual(again.stdout, done.stdout)
        self.assertNotIn("done in", again.stderr, "nothing is run twice")
        self.assertEqual(program.digests(self.folder() / "synthetic-dmmoe-k-1-seed-1"), before)
        self.compare_groups()

    def compare_groups(self) -> None:
        runs = [str(path) for path in sorted(self.folder().glob("[!.]*"))]  # as a shell expands *
        done = self.succeeds("compare", *runs, "--group", "name", "--out", "mix.html", "--md", "--csv")
        self.assertIn("synthetic-dmmoe-k-2  synthetic-dmmoe-k-1      2", done.stdout)
        page = self.program.path("mix.html").read_text()
        self.assertIn("synthetic-dmmoe-k-1 and synthetic-dmmoe-k-2: comparison", page)
        self.assertIn("Curves", page)
        self.assertIn("Against synthetic", self.program.path("mix.md").read_text().replace("\\", ""))
        lines = self.program.path("mix.csv").read_text().splitlines()
        self.assertEqual((len(lines), lines[0].split(",")[0]), (3, "model"))
        self.assertIn("valid_accuracy_difference_low", lines[0])

    def test_a_run_of_a_sweep_is_that_of_train(self):
        self.succeeds("sweep", *SMALL, "--grid", "seed=3", "--out", "runs/mix")
        self.succeeds("train", *program.small({"seed": 3}), "--out", "alone")
        self.assertEqual(program.metrics(self.folder() / "synthetic-dmmoe-seed-3"),
                         program.metrics(self.program.path("alone")))

    def kill(self, number: int, words: list[str]) -> program.Done:
        """The sweep, sent a signal as soon as one run is done and another has saved."""
        process = self.program.start(*words)
        runs = [self.folder() / f"synthetic-dmmoe-seed-{seed}" for seed in (1, 2, 3)]
        wait_for(lambda: process.poll() is not None or any(0 < program.last_step(run) for run in runs[1:]),
                 "a checkpoint of the second run")
        process.send_signal(number)
        return self.program.finish(process)

    def check_what_is_left(self, words: list[str]) -> None:
        """The same line again: the done run stays as it is, the others end as runs that nobody broke."""
        states = self.states()
        self.assertEqual(states["synthetic-dmmoe-seed-1"], "done")
        first = program.digests(self.folder() / "synthetic-dmmoe-seed-1")
        done = self.succeeds(*words)
        self.assertEqual(program.digests(self.folder() / "synthetic-dmmoe-seed-1"), first)
        self.assertEqual(self.states(), {f"synthetic-dmmoe-seed-{seed}": "done" for seed in (1, 2, 3)})
        self.assertEqual(sum("   done in " in line for line in done.stderr.splitlines()), 2)
        self.succeeds("train", *program.small(LONG | {"seed": 2}), "--out", "unbroken")
        self.assertEqual(program.metrics(self.folder() / "synthetic-dmmoe-seed-2"),
                         program.metrics(self.program.path("unbroken")))
        index = sqlite3.connect(self.program.path("runs/index.sqlite"))
        self.assertEqual(index.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(sorted(index.execute("SELECT folder, state FROM run").fetchall()),
                         [(f"mix/synthetic-dmmoe-seed-{seed}", "done") for seed in (1, 2, 3)])
        index.close()

    def test_a_killed_sweep_goes_on_where_it_was(self):
        words = ["sweep", "synthetic/dmmoe", *settings(program.SMALL | LONG), "--grid", "seed=1,2,3", "--out",
                 "runs/mix"]
        self.assertEqual(self.kill(signal.SIGKILL, words).code, -signal.SIGKILL)
        self.check_what_is_left(words)

    def test_an_interrupted_sweep_saves_and_goes_on(self):
        words = ["sweep", "synthetic/dmmoe", *settings(program.SMALL | LONG), "--grid", "seed=1,2,3", "--out",
                 "runs/mix"]
        interrupted = self.kill(signal.SIGTERM, words)
        self.assertEqual(interrupted.code, INTERRUPTED, interrupted.stderr)
        self.assertIn("The same line again goes on", interrupted.stderr)
        self.assertEqual(self.states()["synthetic-dmmoe-seed-2"], "interrupted")
        self.assertNotIn("synthetic-dmmoe-seed-3", self.states())
        self.check_what_is_left(words)

    def test_failed_runs_are_told_and_tried_again_when_asked(self):
        words = ["sweep", *SMALL, *SEEDS, "--out", "runs/mix"]
        self.succeeds(*words)
        self.program.write("runs/mix/synthetic-dmmoe-seed-2/state", "failed\npid 1\nheartbeat 1\n")
        done = self.program.run(*words)
        self.assertEqual(done.code, FAILED)
        self.assertIn("1 of 2 runs failed: synthetic-dmmoe-seed-2", done.stderr)
        self.assertEqual(self.states()["synthetic-dmmoe-seed-2"], "failed", "left as it is")
        self.succeeds(*words, "--rerun-failed")
        self.assertEqual(self.states()["synthetic-dmmoe-seed-2"], "done")

    def test_a_run_that_fails_leaves_what_it_said_and_the_others_go_on(self):
        words = ["sweep", "synthetic/dmmoe", *settings(program.SMALL), "--grid", "train.optimizer.lr=1e30,1e-3",
                 "--out", "runs/mix"]
        done = self.program.run(*words)
        self.assertEqual(done.code, FAILED, done.stderr)
        self.assertEqual(self.states(), {"synthetic-dmmoe-lr-1e30": "failed", "synthetic-dmmoe-lr-1e-3": "done"})
        log = self.folder() / ".logs/synthetic-dmmoe-lr-1e30.txt"
        self.assertIn("heterodyne: error: ", log.read_text())
        self.assertTrue(any(str(log.relative_to(self.program.folder)) in line for line in done.warnings))
        self.assertEqual([path.name for path in log.parent.iterdir()], [log.name])

    def test_a_file_describes_a_sweep(self):
        self.program.write("mine.toml", 'base = "configs/x.toml"\n'.replace("configs/x", "small") + 'name = "mine"\n')
        self.program.write("small.toml", self.succeeds("config", "show", *SMALL).stdout)
        self.program.write("mix.toml", 'name = "mix"\nconfigs = "mine.toml"\nset = ["train.epochs=1"]\n[grid]\n'
                           'seed = [4]\n[variants]\none = ["model.moe.router.k=1"]\ntwo = ["model.moe.router.k=2"]\n')
        plan = json.loads(self.succeeds("sweep", "mix.toml", "--dry-run", "--format", "json").stdout)
        self.assertEqual([(run["run"], run["state"]) for run in plan],
                         [("mine-one-seed-4", "new"), ("mine-two-seed-4", "new")])
        self.assertFalse(self.folder().exists(), "a plan writes nothing")
        self.succeeds("sweep", "mix.toml")
        self.assertEqual(self.states(), {"mine-one-seed-4": "done", "mine-two-seed-4": "done"})
        self.assertIn("done", self.succeeds("sweep", "mix.toml", "--dry-run").stdout)

    def test_the_shipped_studies_are_sound(self):
        studies = sorted((program.SOURCE / "configs/studies").glob("*.toml"))
        self.assertTrue(studies)
        for study in studies:
            plan = json.loads(self.succeeds("sweep", str(study), "--dry-run", "--format", "json").stdout)
            self.assertGreaterEqual(len(plan), 9, study)

    def test_what_is_wrong_is_refused_before_anything_starts(self):
        unknown = ["sweep", *SMALL, "--grid", "model.moe.router.kk=1"]
        self.refuses(USAGE, ["run synthetic-dmmoe-kk-1", 'unknown key "kk"'], *unknown)
        self.refuses(USAGE, ["both resolve to the same settings"], "sweep", *SMALL, "--grid", "seed=1,1")
        self.refuses(USAGE, ["--grid seed: expected PATH=VALUE"], "sweep", *SMALL, "--grid", "seed")
        self.refuses(USAGE, ["dmo: no such", 'nearest: "demo"'], "sweep", "dmo")
        self.refuses(USAGE, ["jobs: expected 1 .. 1024, got 0"], "sweep", *SMALL, "--jobs", "0")
        self.assertFalse(self.program.path("runs").exists())

    def test_a_folder_with_something_else_is_refused(self):
        words = ["sweep", *SMALL, "--grid", "seed=1", "--out", "runs/mix"]
        self.succeeds(*words)
        self.refuses(USAGE, ["holds a run of other settings: train.epochs was 2.0, is 1.0 now", "--out"], *words,
                     "--set", "train.epochs=1")
        self.refuses(USAGE, ["it is a run's own"], "sweep", *SMALL, *SEEDS, "--out",
                     "runs/mix/synthetic-dmmoe-seed-1")


if __name__ == "__main__":
    unittest.main()
