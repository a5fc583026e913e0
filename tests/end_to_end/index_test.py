"""The index of runs is a cache: whatever happens to it, training goes on with one warning, lists stay right, and
`heterodyne runs reindex` restores it."""

import json
import pathlib
import random
import sqlite3
import unittest

import program
from program import ProgramTest


class IndexTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.program.path("runs/index.sqlite")

    def train(self, name: str) -> program.Done:
        return self.succeeds("train", *program.small({"name": name, "train.log_every": 1}))

    def contents(self) -> list[str]:
        index = sqlite3.connect(self.path)
        try:
            return list(index.iterdump())
        finally:
            index.close()

    def assert_one_warning(self, done: program.Done, *parts: str) -> None:
        self.assertEqual(len(done.warnings), 1, done.stderr)
        for part in ("run index ", "index.sqlite", "The run goes on without it", "heterodyne runs reindex", *parts):
            self.assertIn(part, done.warnings[0])

    def assert_listed(self, *names: str) -> None:
        rows = json.loads(self.succeeds("runs", "ls", "--format", "json").stdout)
        self.assertEqual([(row["name"], row["state"], row["steps"]) for row in rows],
                         [(name, "done", 10) for name in names])

    def assert_reindexing_restores(self, *names: str) -> None:
        self.succeeds("runs", "reindex")
        restored = self.contents()
        for path in self.path.parent.glob("index.sqlite*"):
            path.unlink()
        self.succeeds("runs", "reindex")
        self.assertEqual(self.contents(), restored, "not what an index made anew has")
        self.assert_listed(*names)

    def test_a_sound_index_is_not_spoken_of(self):
        self.assertEqual(self.train("a").warnings, [])
        self.assertEqual(self.train("b").warnings, [])
        self.assert_reindexing_restores("a", "b")

    def test_an_index_that_is_locked(self):
        self.train("a")
        holder = sqlite3.connect(self.path, isolation_level=None)
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        self.assert_one_warning(self.train("b"), "in use by another process")
        self.assertEqual(len(self.program.run("runs", "ls").warnings), 1)
        holder.close()
        self.assert_reindexing_restores("a", "b")

    def damage(self, change) -> None:
        self.train("a")
        change()
        self.assert_one_warning(self.train("b"))
        listed = self.program.run("runs", "ls")
        self.assertEqual((listed.code, len(listed.warnings)), (0, 1), listed.stderr)
        self.assertEqual(len(listed.stdout.splitlines()), 3)

    def test_an_index_of_random_bytes(self):
        self.damage(lambda: self.path.write_bytes(random.Random(1).randbytes(20_000)))
        self.assert_reindexing_restores("a", "b")

    def test_an_index_cut_short(self):
        self.damage(lambda: self.path.write_bytes(self.path.read_bytes()[:6000]))
        self.assert_reindexing_restores("a", "b")

    def test_an_index_of_another_version(self):
        def change() -> None:
            index = sqlite3.connect(self.path)
            index.execute("PRAGMA user_version = 99")
            index.close()

        self.damage(change)
        self.assert_reindexing_restores("a", "b")

    def test_a_folder_in_its_place(self):
        def change() -> None:
            self.path.unlink()
            self.path.mkdir()

        self.damage(change)
        done = self.program.run("runs", "reindex")
        self.assertEqual(done.code, program.FAILED)
        self.assertIn("index.sqlite", done.stderr)
        self.path.rmdir()
        self.assert_reindexing_restores("a", "b")

    def test_an_index_that_cannot_be_written(self):
        # A file of the kernel is read-only even for root.
        self.train("a")
        self.path.unlink()
        self.path.symlink_to("/proc/version")
        self.assert_one_warning(self.train("b"))
        self.assertTrue(self.path.is_symlink())
        self.succeeds("runs", "reindex")
        self.assertFalse(self.path.is_symlink(), "replaced, not written through")
        self.assert_listed("a", "b")

    def test_an_index_that_vanishes_while_a_run_goes_on(self):
        run = self.program.path("runs/a")
        process = self.program.start("train", *program.small({"name": "a", "train.epochs": 200}))
        program.wait_for(lambda: self.path.exists() and program.last_step(run) > 0, "the index and a checkpoint")
        for path in self.path.parent.glob("index.sqlite*"):
            path.unlink()
        done = self.program.finish(process)
        self.assertEqual((done.code, [line for line in done.warnings if "run index" not in line]), (0, []), done.stderr)
        self.assertLessEqual(len(done.warnings), 1)
        self.assertEqual(json.loads(self.succeeds("runs", "ls", "--format", "json").stdout)[0]["state"], "done")

    def test_reindexing_while_a_run_goes_on(self):
        run = self.program.path("runs/a")
        process = self.program.start("train", *program.small({"name": "a", "train.epochs": 200}))
        program.wait_for(lambda: self.path.exists() and program.last_step(run) > 0, "the index and a checkpoint")
        for _ in range(3):
            other = program.Program(self.program.write("other/x", "").parent)
            done = other.run("runs", "reindex", env={"HETERODYNE_RUNS": str(self.path.parent)})
            self.assertEqual(done.code, 0, done.stderr)
        done = self.program.finish(process)
        self.assertEqual((done.code, done.warnings), (0, []), done.stderr)
        before = self.contents()
        self.succeeds("runs", "reindex")
        self.assertEqual(self.contents(), before)

    def test_a_failed_and_a_killed_run_are_listed_as_such(self):
        self.program.run("train", *program.small({"name": "nan", "train.optimizer.lr": 1e30}))
        process = self.program.start("train", *program.small({"name": "killed", "train.epochs": 1000}))
        run = self.program.path("runs/killed")
        program.wait_for(lambda: program.last_step(run) > 0, "a checkpoint")
        rows = program.Program(self.program.write("other/x", "").parent).run(
            "runs", "ls", "--format", "json", env={"HETERODYNE_RUNS": str(self.path.parent)})
        self.assertEqual({row["name"]: row["state"] for row in json.loads(rows.stdout)}["killed"], "running")
        process.kill()
        self.program.finish(process)
        rows = json.loads(self.succeeds("runs", "ls", "--format", "json").stdout)
        self.assertEqual({row["name"]: row["state"] for row in rows}, {"nan": "failed", "killed": "lost"})


if __name__ == "__main__":
    unittest.main()
