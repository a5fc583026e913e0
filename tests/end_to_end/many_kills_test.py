"""Slow: the shipped miniature on two threads, killed a dozen times at random moments, ends like an unbroken run."""

import json
import os
import random
import signal
import time
import unittest

import program
from program import ProgramTest, wait_for

# Threads that wait without turning: the machine's cores are shared with other tests.
TWO_THREADS = {"HETERODYNE_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
KILLS = 12


class ManyKillsTest(ProgramTest):
    def test_a_run_killed_a_dozen_times_ends_like_an_unbroken_one(self):
        seed = int(os.environ.get("HETERODYNE_TEST_SEED", time.time_ns() % 1_000_000))
        print(f"HETERODYNE_TEST_SEED={seed}", flush=True)
        chance = random.Random(seed)
        run, unbroken = self.program.path("run"), self.program.path("unbroken")
        begin = time.monotonic()
        self.succeeds("train", "synthetic/dmmoe", "--out", "unbroken", env=TWO_THREADS)
        longest = time.monotonic() - begin
        self.assertEqual(json.loads((unbroken / "environment.json").read_text())["threads"], 2)
        words = ["train", "synthetic/dmmoe", "--out", "run"]
        for _ in range(KILLS):
            process = self.program.start(*words, env=TWO_THREADS)
            wait_for(lambda: process.poll() is not None or (run / "log.txt").exists(), "the start of the run")
            time.sleep(chance.uniform(0, longest / KILLS + 0.5))
            process.send_signal(signal.SIGKILL)
            self.assertIn(self.program.finish(process).code, (0, -signal.SIGKILL))
            words = ["train", "--resume", "run"]
        self.succeeds(*words, env=TWO_THREADS)
        self.assert_same_run(run, unbroken)


if __name__ == "__main__":
    unittest.main()
