"""`heterodyne data`: a set that is made up, looked into, prepared from what an archive unpacks, and trained on."""

import hashlib
import json
import unittest

import image_files
from program import INPUT, USAGE, ProgramTest, digests

CONFIG = """name = "run"
data = { kind = "KIND", batch = 20 }
model = { kind = "mlp", hidden = 8 }
train = { epochs = 1 }
"""
CIFAR = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]


class DataVerbTest(ProgramTest):
    def test_a_made_up_set_can_be_looked_into_and_trained_on(self):
        for kind, shape in ("mnist", "1 x 28 x 28"), ("fashion_mnist", "1 x 28 x 28"), ("cifar10", "3 x 32 x 32"):
            self.succeeds("data", "synth", kind, "--limit", "100", "--out", "in")
            shown = self.succeeds("data", "peek", kind, "--data", "in").stdout
            self.assertIn(f"{kind} train: 90 examples of {shape}, 10 classes", shown)
            self.program.write("my.toml", CONFIG.replace("KIND", kind))
            self.succeeds("train", "my.toml", "--data", "in", "--out", f"runs/{kind}", "--quiet")

    def test_a_made_up_set_depends_on_its_seed_alone(self):
        for out, seed in ("a", "1"), ("b", "1"), ("c", "2"):
            self.succeeds("data", "synth", "mnist", "--limit", "50", "--seed", seed, "--out", out, "--threads", "1")
        a, b, c = (digests(self.program.path(out)) for out in "abc")
        self.assertEqual(a, b)
        self.assertNotEqual(a["mnist/train-images-idx3-ubyte"], c["mnist/train-images-idx3-ubyte"])
        self.refuses(USAGE, ["exists already"], "data", "synth", "mnist", "--limit", "50", "--out", "a")
        self.refuses(USAGE, ["--seed", "x"], "data", "synth", "mnist", "--seed", "x", "--out", "d")

    def test_peek_counts_classes_and_draws_the_first_pictures(self):
        image_files.write_mnist(self.program.path("in/mnist"), train=100, test=40)
        line = ["data", "peek", "mnist", "--data", "in", "--split", "test"]
        rows = json.loads(self.succeeds(*line, "--format", "json").stdout)
        self.assertEqual(rows[3], {"class": "3", "examples": 4, "share": 0.1})
        self.assertEqual(sum(row["examples"] for row in rows), 40)
        shown = self.succeeds(*line, "--limit", "15").stdout
        self.assertIn("40 examples of 1 x 28 x 28, 10 classes; the first 15:", shown)
        self.assertIn("\u2588", shown)
        self.assertLessEqual(max(len(line) for line in shown.splitlines()), 100)

    def test_prepare_takes_what_an_archive_unpacks_and_leaves_it_as_it_was(self):
        image_files.write_cifar10(self.program.path("in/archive/cifar-10-batches-bin"), CIFAR)
        before = digests(self.program.path("in"))
        done = self.succeeds("data", "prepare", "cifar10", "in", "--out", "sets")
        self.assertEqual([line.split()[:2] for line in done.stdout.splitlines()[1:]], [[name, "ok"] for name in CIFAR])
        self.assertEqual(digests(self.program.path("in")), before)
        made = self.program.path("sets/cifar10")
        manifest = json.loads((made / "manifest.json").read_text())
        self.assertEqual((manifest["kind"], manifest["train"], manifest["test"]), ("cifar10", 200, 40))
        for entry in manifest["files"]:
            contents = (made / entry["name"]).read_bytes()
            self.assertEqual((entry["bytes"], entry["sha256"]), (len(contents), hashlib.sha256(contents).hexdigest()))
        self.assertIn("180 examples", self.succeeds("data", "peek", "cifar10", "--data", "sets").stdout)

    def test_prepare_says_what_is_missing_and_what_is_damaged(self):
        image_files.write_cifar10(self.program.path("in"), [name + ".xz" for name in CIFAR[1:]])
        damaged = self.program.path("in/data_batch_3.bin.xz")
        damaged.write_bytes(damaged.read_bytes()[:-20])
        done = self.program.run("data", "prepare", "cifar10", "in", "--out", "sets", "--format", "json")
        self.assertEqual(done.code, INPUT)
        states = {row["file"]: row["state"] for row in json.loads(done.stdout)}
        self.assertEqual(states["data_batch_1.bin"], "missing")
        self.assertRegex(states["data_batch_3.bin"], "^damaged: byte [0-9,]+")
        self.assertIn("2 of 6 files are missing or damaged", done.stderr)
        self.assertFalse(self.program.path("sets").exists())
        self.succeeds("data", "prepare", "cifar10", "in", "--out", "sets", "--allow-partial")
        self.assertEqual(json.loads(self.program.path("sets/cifar10/manifest.json").read_text())["train"], 120)

    def test_rows_of_text_are_divided_by_what_they_are_about(self):
        texts = ["boil rice with salt", "the match had goals"] * 6
        rows = [{"instruction": text, "output": f"{text} again", "sort": text[:4]} for text in texts]
        self.program.write("rows.json", json.dumps(rows))
        for words in (["--clusters", "2"], ["--field", "sort"]):
            said = json.loads(self.succeeds("data", "domains", "rows.json", *words, "--out", words[1], "--format", "json").stdout)
            self.assertEqual([row["rows"] for row in said], [6, 6])
            self.assertIn("rice", said[0]["typical words"])
            made = [self.program.path(f"{words[1]}/{name}.jsonl") for name in (("0", "1") if "2" in words else ("boil", "the_"))]
            lines = [json.loads(line) for path in made for line in path.read_text().splitlines()]
            self.assertEqual(lines, rows[::2] + rows[1::2])
        self.refuses(USAGE, ["exists already"], "data", "domains", "rows.json", "--out", "2")
        self.refuses(USAGE, ["clusters: expected at most the file's 12 rows"], "data", "domains", "rows.json", "--clusters", "13")
        self.refuses(USAGE, ["--field says how many"], "data", "domains", "rows.json", "--field", "sort", "--clusters", "2")
        self.refuses(INPUT, ["row 1: kind: expected text"], "data", "domains", "rows.json", "--field", "kind")

    def test_what_cannot_be_asked_is_refused(self):
        self.refuses(USAGE, ["expected one of cifar10", 'nearest: "mnist"'], "data", "peek", "mnst")
        self.refuses(USAGE, ["synthetic is read from no files"], "data", "synth", "synthetic")
        self.refuses(USAGE, ["data prepare: expected a data set and the folder", "got 1"], "data", "prepare", "mnist")
        self.refuses(INPUT, ["nowhere: cannot be read"], "data", "prepare", "mnist", "nowhere")
        self.refuses(INPUT, ["not found", "To get it"], "data", "peek", "mnist", "--data", "nowhere")


if __name__ == "__main__":
    unittest.main()
