"""heterodyne report: pages and texts of runs that are done, go on, crashed or hold nothing."""

import csv
import io
import json
import os
import re
import shutil
import time
import unittest
import xml.etree.ElementTree

import program
from program import DONE, INPUT, USAGE, ProgramTest

CHECK = 4
RUN = "run"


class ReportTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        done = cls.shared.run("train", *program.small(), "--out", RUN)
        assert done.code == DONE, done.stderr

    def setUp(self) -> None:
        super().setUp()
        self.run_folder = self.program.path(RUN)
        shutil.copytree(self.shared.path(RUN), self.run_folder)
        (self.run_folder / "report.html").unlink(missing_ok=True)

    def document(self, *words: str) -> dict:
        return json.loads(self.succeeds("report", *words, "--format", "json").stdout)

    def findings(self, *words: str) -> dict[str, str]:
        return {found["kind"]: found["text"] for found in self.document(*words)["findings"]}

    def set_state(self, word: str, heartbeat: int, pid: int = 1 << 30) -> None:
        """The state of a run whose files were last written then, by a process that is not there unless it is named."""
        self.program.write(f"{RUN}/state", f"{word}\npid {pid}\nheartbeat {heartbeat}\n")
        for path in program.files(self.run_folder):
            os.utime(path, (heartbeat, heartbeat))

    def test_a_run_gives_findings_and_a_page_of_the_size_it_says(self):
        done = self.succeeds("report", RUN)
        page = (self.run_folder / "report.html").read_bytes()
        self.assertTrue(page.lower().startswith(b"<!doctype html>"))
        self.assertEqual(done.stdout.splitlines()[-1], f"run/report.html   {len(page):,} bytes")
        self.assertRegex(done.stdout, r"(?m)^(problem|warning|note) ")
        self.succeeds("report", RUN)
        self.assertEqual((self.run_folder / "report.html").read_bytes(), page)

    def test_nothing_else_in_the_run_changes(self):
        before = program.digests(self.run_folder)
        self.succeeds("report", RUN, "--out", "elsewhere.html")
        self.assertEqual(program.digests(self.run_folder), before)
        self.assertTrue(self.program.path("elsewhere.html").exists())

    def test_as_json_it_has_every_panel_with_its_numbers(self):
        document = self.document(RUN)
        panels = {panel["panel"]: panel for panel in document["panels"]}
        self.assertIn("training", panels)
        self.assertIn("provenance", panels)
        for panel in panels.values():
            self.assertTrue(bool(panel["figures"]) != ("absent" in panel), panel["panel"])
        loss = panels["training"]["figures"][0]["views"][0]["table"]
        lines = [line for line in program.metrics(self.run_folder) if line["kind"] == "valid"]
        row = next(row for row in loss if row["series"] == "valid")
        self.assertAlmostEqual(row["last"], lines[-1]["loss"], places=4)
        self.assertEqual(row["n"], len(lines))
        self.assertFalse((self.run_folder / "report.html").exists())

    def test_as_csv_and_markdown_it_has_the_findings(self):
        text = self.succeeds("report", RUN, "--format", "csv").stdout
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual({row["finding"] for row in rows}, set(self.findings(RUN)))
        page = self.succeeds("report", RUN, "--format", "md").stdout
        self.assertIn("## Findings", page)
        self.succeeds("report", RUN, "--md")
        written = (self.run_folder / "report.md").read_text()
        self.assertEqual(*[[line for line in text.splitlines() if line.startswith("#")] for text in (written, page)])

    def test_every_picture_is_xml(self):
        done = self.succeeds("report", RUN, "--svg", "pictures")
        pictures = sorted(self.program.path("pictures").glob("*.svg"))
        self.assertIn(f"pictures   {len(pictures)} pictures", done.stderr)
        self.assertIn("training-1.svg", [picture.name for picture in pictures])
        for picture in pictures:
            root = xml.etree.ElementTree.parse(picture).getroot()
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")

    def test_findings_can_fail_the_command(self):
        with open(self.run_folder / "metrics.jsonl", "a") as metrics:
            metrics.write('{"step":11,"kind":"train","loss":null,"nonfinite":["loss"]}\n')
        done = self.program.run("report", RUN, "--fail-on", "dead,non_finite")
        self.assertEqual(done.code, CHECK, done.stderr)
        self.assertIn("--fail-on: found non_finite in ", done.stderr)
        self.assertTrue((self.run_folder / "report.html").exists())
        self.succeeds("report", RUN, "--fail-on", "overfit")

    def test_an_unknown_finding_is_refused_with_the_nearest(self):
        self.refuses(USAGE, ["--fail-on", 'got "colapse"', 'nearest: "collapse"'], "report", RUN, "--fail-on", "colapse")
        self.assertFalse((self.run_folder / "report.html").exists())

    def test_what_is_no_run_is_refused(self):
        self.program.path("empty").mkdir()
        self.refuses(INPUT, ["empty", "resolved.toml"], "report", "empty")
        self.refuses(INPUT, ["none"], "report", "none")
        self.refuses(USAGE, ["report: expected RUNS ("], "report")
        self.refuses(USAGE, ["got 3"], "report", RUN, RUN, RUN)

    def test_a_run_that_goes_on_says_so(self):
        self.set_state("running", int(time.time()))
        self.assertTrue(self.findings(RUN)["unfinished"].startswith("The run goes on"))

    def test_a_run_whose_process_lives_is_not_lost_however_long_it_is_silent(self):
        self.set_state("running", int(time.time()) - 1000, os.getpid())
        self.assertTrue(self.findings(RUN)["unfinished"].startswith("The run goes on"))

    def test_a_run_without_a_sign_of_life_is_lost(self):
        self.set_state("running", int(time.time()) - 1000)
        found = self.findings(RUN)["unfinished"]
        self.assertRegex(found, r"The run is lost: .* 1,\d{3} seconds .* step 10\.")
        self.assertIn("heterodyne train --resume run", found)

    def test_a_run_that_crashed_in_a_line_is_reported(self):
        with open(self.run_folder / "metrics.jsonl", "a") as metrics:
            metrics.write('{"step":11,"kind":"tr')
        self.set_state("failed", 0)
        self.assertTrue(self.findings(RUN)["unfinished"].startswith("The run failed"))
        self.succeeds("report", RUN)

    def test_a_run_that_holds_nothing_yet_is_reported(self):
        self.program.path("young").mkdir()
        shutil.copy(self.run_folder / "resolved.toml", self.program.path("young"))
        self.assertIn("No routing is recorded", self.findings("young")["all_clear"])
        self.succeeds("report", "young")
        self.assertTrue(self.program.path("young/report.html").exists())

    def test_two_runs_show_the_change(self):
        shutil.copytree(self.run_folder, self.program.path("other"))
        panels = [panel["panel"] for panel in self.document(RUN, "other")["panels"]]
        self.assertIn("change", panels)
        self.assertNotIn("change", [panel["panel"] for panel in self.document(RUN)["panels"]])

    def test_without_a_browser_it_says_what_to_open(self):
        done = self.succeeds("report", RUN, "--open", env={"PATH": "/nowhere"})
        self.assertIn("open run/report.html in a browser", done.stderr)

    def test_the_table_shows_the_experts(self):
        text = self.succeeds("report", RUN, "--format", "table").stdout
        self.assertTrue(re.search(r"(?m)^(problem|warning|note) ", text))


if __name__ == "__main__":
    unittest.main()
