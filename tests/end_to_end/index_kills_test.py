"""Slow: a run that writes its index at every step is killed 50 times at random moments. Each time the index opens, or
is called damaged in one line, and `heterodyne runs reindex` makes it what the folders say."""

import json
import os
import random
import signal
import sqlite3
import time
import unittest
from typing import Any

import program
from program import ProgramTest, wait_for

KILLS = 50
# A validation, and with it a write of the index, after every step; checkpoints seldom, so that most kills hit others.
SETTINGS = {"name": "run", "data.examples": 100, "data.validation": 0.2, "train.epochs": 1500, "train.log_every": 1,
            "train.checkpoint.every_steps": 0, "train.checkpoint.every_epochs": 20}


class IndexKillsTest(ProgramTest):
    def whole_lines(self) -> list[dict[str, Any]]:
        """Of metrics.jsonl, without a last line that the kill cut off: it has no end, and no reader counts it."""
        text = (self.run_folder / "metrics.jsonl").read_text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def contents(self) -> list[str]:
        """All of the index, found sound, whose row and metrics say what the run's files say."""
        index = sqlite3.connect(self.path)
        try:
            self.assertEqual(index.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            lines = [line for line in self.whole_lines() if line["kind"] == "valid"]
            rows = index.execute("SELECT last, lowest, highest FROM metric WHERE name = 'valid.loss'").fetchall()
            losses = [line["loss"] for line in lines]
            self.assertEqual(rows, [(losses[-1], min(losses), max(losses))] if lines else [])
            self.assertEqual(index.execute("SELECT folder, name, state FROM run").fetchall(),
                             [("run", "run", program.state(self.run_folder))])
            return list(index.iterdump())
        finally:
            index.close()

    def assert_restored(self, is_compared: bool) -> None:
        self.succeeds("runs", "reindex")
        restored = self.contents()
        if not is_compared:
            return
        for path in self.path.parent.glob("index.sqlite*"):
            path.unlink()
        self.succeeds("runs", "reindex")
        self.assertEqual(self.contents(), restored)

    def test_a_run_killed_fifty_times_leaves_an_index_that_can_be_restored(self):
        seed = int(os.environ.get("HETERODYNE_TEST_SEED", time.time_ns() % 1_000_000))
        print(f"HETERODYNE_TEST_SEED={seed}", flush=True)
        chance = random.Random(seed)
        run = self.run_folder = self.program.path("runs/run")
        self.path = self.program.path("runs/index.sqlite")
        words = ["train", *program.small(SETTINGS)]
        num_killed = num_left = num_damaged = 0
        for kill in range(KILLS):
            lines = len((run / "log.txt").read_text().splitlines()) if run.exists() else 0
            process = self.program.start(*words)
            wait_for(lambda: process.poll() is not None or
                     ((run / "log.txt").exists() and len((run / "log.txt").read_text().splitlines()) > lines + 3),
                     "lines of the log")
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            killed = self.program.finish(process)
            self.assertEqual(killed.warnings, [], killed.stderr)
            num_killed += killed.code == -signal.SIGKILL
            num_left += self.path.with_name("index.sqlite-wal").exists()
            listed = self.succeeds("runs", "ls", "--format", "json")
            self.assertLessEqual(len(listed.warnings), 1)
            num_damaged += len(listed.warnings)
            rows = json.loads(listed.stdout)
            self.assertEqual([row["name"] for row in rows], ["run"])
            self.assertIn(rows[0]["state"], ("lost", "done"))
            self.assert_restored(kill % 10 == 0)
            words = ["train", "--resume", "runs/run"]
        print(f"{num_killed} kills, {num_left} left a journal behind, {num_damaged} a damaged index", flush=True)
        self.assertGreater(num_killed, KILLS // 2, "the run ended too soon to be killed")
        self.assertGreater(num_left, KILLS // 2, "the kills missed the index")


if __name__ == "__main__":
    unittest.main()
