"""`heterodyne runs`: listing, showing, tagging, removing and exporting runs, most of them made by hand."""

import csv
import fcntl
import io
import json
import sqlite3
import tarfile
import time
import unittest

import program
from program import FAILED, INPUT, USAGE, ProgramTest

HOSTILE = "<b>\"x\" & 'y'\x1b[2J\n|\x9b1m"


class RunsTest(ProgramTest):
    def make_run(self, folder: str, name: str = "demo", state: str = "done", accuracy: float = 0.5,
                 heartbeat: int = 1700000000) -> None:
        self.program.write(f"runs/{folder}/resolved.toml", f"name = {json.dumps(name)}\nseed = 1\n")
        self.program.write(f"runs/{folder}/state", f"{state}\npid 1\nheartbeat {heartbeat}\n")
        loads = {"step": 1200, "kind": "experts", "layers.0": {"id": [0], "count": [8]}}
        line = {"step": 1200, "kind": "valid", "accuracy": accuracy}
        self.program.write(f"runs/{folder}/metrics.jsonl", json.dumps(loads) + "\n" + json.dumps(line) + "\n")

    def rows(self, *words: str) -> list[dict]:
        return json.loads(self.succeeds(*(words or ("runs", "ls")), "--format", "json").stdout)

    def test_ls_lists_every_run(self):
        now = int(time.time())
        self.make_run("a", "a", heartbeat=now - 7300)
        self.make_run("mix/cell", "b", "failed", 0.25)
        a, b = self.rows()
        self.assertRegex(a.pop("id"), "^[0-9a-f]{8}$")
        self.assertAlmostEqual(a.pop("age_s"), 7300, delta=60)
        self.assertEqual(a, {"name": "a", "state": "done", "steps": 1200, "metric": "valid.accuracy", "best": 0.5,
                             "tags": "", "folder": "a"})
        self.assertEqual((b["name"], b["state"], b["best"], b["folder"]), ("b", "failed", 0.25, "mix/cell"))
        table = self.succeeds("runs", "ls").stdout.splitlines()
        self.assertEqual(table[0].split(), "id name state age steps metric best tags folder".split())
        self.assertEqual(table[1].split()[1:], ["a", "done", "2h", "1200", "valid.accuracy", "0.5", "a"])
        self.assertEqual(self.succeeds("ls", "runs").stdout, self.succeeds("runs", "ls").stdout)
        rows = list(csv.DictReader(io.StringIO(self.succeeds("runs", "ls", "--format", "csv").stdout)))
        self.assertEqual([row["folder"] for row in rows], ["a", "mix/cell"])
        self.assertEqual(len(self.succeeds("runs", "ls", "--format", "md").stdout.splitlines()), 4)

    def test_without_runs_there_is_nothing_to_list(self):
        done = self.succeeds("runs", "ls")
        self.assertEqual(done.stdout, "")
        self.assertIn("no runs below", done.stderr)
        self.assertEqual(self.rows(), [])
        self.assertEqual(list(self.program.folder.glob("runs")), [])

    def test_a_trained_run_is_in_the_index_as_its_folder_says(self):
        self.succeeds("train", *program.small(), "--set", "name=mine")
        with sqlite3.connect(self.program.path("runs/index.sqlite")) as index:
            rows = index.execute("SELECT folder, name, state, step FROM run").fetchall()
            self.assertEqual(rows, [("mine", "mine", "done", 10)])
            self.assertEqual(index.execute("SELECT value FROM param WHERE key = 'model.width'").fetchall(), [("16",)])
            kinds = index.execute("SELECT id, kind FROM expert ORDER BY id").fetchall()
            self.assertEqual(kinds, [(0, "mlp"), (1, "conv1d"), (2, "vit_block"), (3, "lstm_cell")])
            before = list(index.iterdump())
        index.close()
        (row,) = self.rows()
        lines = program.metrics(self.program.path("runs/mine"))
        self.assertEqual(row["best"], max(line["accuracy"] for line in lines if line["kind"] == "valid"))
        self.succeeds("runs", "reindex")
        with sqlite3.connect(self.program.path("runs/index.sqlite")) as index:
            self.assertEqual(list(index.iterdump()), before)
        index.close()

    def test_show_has_settings_metrics_and_experts(self):
        self.make_run("a", "first")
        for word in ("first", "a", "runs/a", "runs/a/", self.rows()[0]["id"], self.rows()[0]["id"][:5]):
            done = self.succeeds("runs", "show", word)
            for part in ("first", "done", "1200", "seed", "valid.accuracy", "layers.0"):
                self.assertIn(part, done.stdout)
        shown = json.loads(self.succeeds("runs", "show", "a", "--format", "json").stdout)
        self.assertEqual(shown["settings"], {"name": "first", "seed": "1"})
        self.assertEqual(shown["metrics"][0]["best"], 0.5)
        rows = list(csv.DictReader(io.StringIO(self.succeeds("runs", "show", "a", "--format", "csv").stdout)))
        self.assertIn({"section": "setting", "name": "seed", "key": "", "value": "1"}, rows)
        self.assertIn({"section": "metric", "name": "valid.accuracy", "key": "best_step", "value": "1200"}, rows)
        self.assertEqual(shown["experts"], [{"layer": "layers.0", "expert": 0, "kind": None, "share": 1.0}])

    def test_a_run_that_is_not_there_is_refused_with_the_nearest(self):
        self.make_run("first", "first")
        self.refuses(INPUT, ["frist: no run of that path, name or id", 'nearest: "first"'], "runs", "show", "frist")
        self.make_run("second", "first")
        self.make_run("third", "same")
        self.make_run("fourth", "same")
        self.refuses(USAGE, ["same: 2 runs match: fourth (", "third ("], "runs", "show", "same")

    def test_tags_are_added_and_taken_away(self):
        self.make_run("a")
        self.assertEqual(self.succeeds("runs", "tag", "a", "good", "paper").stdout, "good\npaper\n")
        self.assertEqual(self.rows()[0]["tags"], "good paper")
        self.assertEqual(self.succeeds("runs", "tag", "a", "final", "--remove", "good").stdout, "final\npaper\n")
        self.succeeds("runs", "reindex")
        self.assertEqual(self.rows()[0]["tags"], "final paper")
        self.refuses(USAGE, ['has no tag "good"'], "runs", "tag", "a", "--remove", "good")
        self.refuses(USAGE, ['tag "a b": expected'], "runs", "tag", "a", "a b")
        self.refuses(USAGE, ['tag "\\x1b[2J": expected'], "runs", "tag", "a", "\x1b[2J")

    def test_rm_needs_a_yes_and_removes_the_whole_run(self):
        self.make_run("a")
        self.make_run("mix/b")
        self.refuses(USAGE, ["Remove the run a", "--yes"], "runs", "rm", "a")
        self.assertEqual(len(self.rows()), 2)
        self.succeeds("runs", "rm", "a", "mix/b", "--yes")
        self.assertEqual(self.rows(), [])
        self.assertEqual(sorted(path.name for path in self.program.path("runs").iterdir()), ["index.sqlite", "mix"])

    def test_rm_refuses_a_run_that_goes_on(self):
        self.make_run("a", state="running")
        self.assertEqual(self.rows()[0]["state"], "lost")
        with open(self.program.write("runs/a/.lock", "4711"), "r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertEqual(self.rows()[0]["state"], "running")
            self.refuses(FAILED, ["runs/a: in use by process 4711"], "runs", "rm", "a", "--yes")
            self.refuses(FAILED, ["runs/a: in use by process 4711"], "runs", "export", "a", "a.tar")
        self.assertTrue(self.program.path("runs/a/resolved.toml").exists())

    def test_rm_removes_nothing_elsewhere(self):
        self.make_run("a")
        outside = self.program.write("elsewhere/run/resolved.toml", 'name = "x"\n')
        self.program.path("runs/link").symlink_to(outside.parent)
        self.program.path("runs/a/out").symlink_to(outside.parent)
        self.refuses(USAGE, ["is not below the folder of runs"], "runs", "rm", "elsewhere/run", "--yes")
        self.refuses(USAGE, ["is not below the folder of runs"], "runs", "rm", "link", "--yes")
        self.refuses(USAGE, ["is not below the folder of runs"], "runs", "rm", "../elsewhere/run", "--yes")
        self.refuses(INPUT, ["no run of that path"], "runs", "rm", "runs", "--yes")
        self.succeeds("runs", "rm", "a", "--yes")
        self.assertTrue(outside.exists())

    def test_export_writes_an_archive_that_tar_reads(self):
        self.make_run("a")
        self.program.write("runs/a/checkpoints/step-00000001/model.safetensors", bytes(range(256)) * 1000)
        for name in ("a.tar", "a.tar.gz", "a.tgz"):
            self.succeeds("runs", "export", "a", name)
            with tarfile.open(self.program.path(name)) as archive:
                archive.extractall(self.program.path(f"unpacked-{name}"), filter="data")
            self.assert_same_files(self.program.path("runs/a"), self.program.path(f"unpacked-{name}/a"))
        self.refuses(USAGE, ["exists already"], "runs", "export", "a", "a.tar")
        self.refuses(USAGE, ["expected a FILE.tar, FILE.tar.gz or FILE.tgz, got a.zip"], "runs", "export", "a", "a.zip")

    def test_hostile_names_and_tags_are_shown_safely(self):
        self.make_run("a", HOSTILE)
        self.program.write("runs/a/tags", HOSTILE.replace("\n", "") + "\n\xff\n")
        other = HOSTILE.replace("/", "")
        self.make_run(other, HOSTILE)
        self.refuses(USAGE, ["runs/../runs/a is named twice, as runs/a too"], "compare", "runs/a", "runs/../runs/a")
        for words in (("runs", "ls"), ("runs", "show", "a"), ("runs", "tag", "a"), ("compare", "runs/a", f"runs/{other}"),
                      ("compare", "runs/a", f"runs/{other}", "--group", "name")):
            for form in (("table", "md", "csv", "json") if words[:2] != ("runs", "tag") else ("table",)):
                for _ in range(2):  # from the folder, then from the index
                    done = self.succeeds(*words, "--format", form)
                    for character in done.stdout + done.stderr:
                        self.assertTrue(character == "\n" or character.isprintable(), f"{words} {form}: {character!r}")
                if form == "md":
                    self.assertNotIn("<b>", done.stdout)
        self.assertEqual(len(self.succeeds("runs", "ls").stdout.splitlines()), 3)
        self.assertEqual(self.rows()[0]["name"], HOSTILE)
        error = self.program.run("runs", "show", HOSTILE + "x").stderr
        self.assertNotIn("\x1b", error)
        self.succeeds("runs", "rm", f"runs/{other}", "--yes")
        self.assertEqual(len(self.rows()), 1)

    def test_reindex_says_what_it_found(self):
        self.refuses(INPUT, ["no such folder of runs"], "runs", "reindex")
        self.make_run("a")
        self.assertIn("index.sqlite: 1 run", self.succeeds("runs", "reindex").stderr)


if __name__ == "__main__":
    unittest.main()
