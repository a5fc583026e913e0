"""`heterodyne doctor`: one line for each finding, exit code 4 when something must be fixed."""

import json
import unittest

from program import DONE, ProgramTest

CHECK_FAILED = 4


class DoctorTest(ProgramTest):
    def findings(self, code: int, **env: str) -> list[dict[str, str]]:
        done = self.program.run("doctor", "--format", "json", env=env)
        self.assertEqual((done.code, done.stderr), (code, ""))
        return json.loads(done.stdout)

    def of(self, check: str, findings: list[dict[str, str]]) -> list[tuple[str, str]]:
        return [(row["state"], row["finding"]) for row in findings if row["check"] == check]

    def test_a_sound_machine_needs_nothing(self):
        findings = self.findings(DONE)
        self.assertNotIn("FIX", [row["state"] for row in findings])
        state, text = self.of("libtorch", findings)[0]
        self.assertEqual(state, "ok")
        self.assertRegex(text, r"^LibTorch 2\.\d+\.\d+ \(supported >=2\.11,<2\.15\)$")
        self.assertRegex(self.of("speed", findings)[0][1], r"mm \d+ GFLOP/s")
        self.assertEqual(list(self.program.folder.glob("runs*")), [])

    def test_it_prints_a_line_for_each_finding(self):
        lines = self.succeeds("doctor").stdout.splitlines()
        for line in lines:
            self.assertRegex(line, r"^(ok   |warn |note |FIX  ) \S")

    def test_a_runs_folder_that_is_a_file_is_to_be_fixed(self):
        self.program.write("file", "x")
        findings = self.findings(CHECK_FAILED, HETERODYNE_RUNS="file")
        self.assertEqual(self.of("runs", findings), [("FIX", "runs: file is not a folder")])
        self.assertTrue(all(row["fix"] for row in findings if row["state"] == "FIX"))

    def test_variables_that_are_wrong_are_named(self):
        findings = self.findings(CHECK_FAILED, HETERODYNE_THREADS="abc", HETERODYNE_RUN="x")
        told = self.of("variables", findings)
        self.assertIn(("FIX", 'HETERODYNE_THREADS="abc": expected 1 .. 1024'), told)
        self.assertIn(("warn", "HETERODYNE_RUN is set, but nothing reads it; nearest: HETERODYNE_RUNS"), told)

    def test_a_data_set_that_is_not_here_is_only_noted(self):
        self.assertEqual(self.of("data", self.findings(DONE))[0][0], "note")
        self.succeeds("data", "synth", "mnist", "--limit", "20")
        self.assertIn(("ok", "data: mnist in data/mnist"), self.of("data", self.findings(DONE)))

    def test_a_damaged_index_of_runs_is_to_be_fixed(self):
        self.program.write("runs/index.sqlite", b"no database" * 100)
        self.assertEqual(self.of("index", self.findings(CHECK_FAILED))[0][0], "FIX")


if __name__ == "__main__":
    unittest.main()
