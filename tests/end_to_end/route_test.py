"""heterodyne route: what it measures, where it keeps it, and what it refuses."""

import csv
import io
import json
import pathlib
import re
import shutil
import struct
import unittest

import program
from program import DONE, INPUT, USAGE, ProgramTest

RUN = "run"
NAME = "routing.safetensors"
ALL = ["--knockout", "--similarity", "--random-control"]


def header(path: pathlib.Path) -> dict:
    contents = path.read_bytes()
    return json.loads(contents[8 : 8 + struct.unpack("<Q", contents[:8])[0]])


class RouteTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        done = cls.shared.run("train", *program.small({"data.test_examples": 150}), "--out", RUN)
        assert done.code == DONE, done.stderr

    def setUp(self) -> None:
        super().setUp()
        self.run_folder = self.program.path(RUN)
        shutil.copytree(self.shared.path(RUN), self.run_folder)

    def document(self, *words: str) -> dict:
        return json.loads(self.succeeds("route", RUN, *words, "--format", "json").stdout)

    def test_it_shows_each_expert_and_keeps_a_file_in_the_runs_folder(self):
        done = self.succeeds("route", RUN)
        lines = done.stdout.splitlines()
        self.assertRegex(
            lines[0],
            r"^layers\.0   1,200 assignments  k 2\.00  CV [\d.]+  H [\d.]+  effective [\d.]+  max/ideal [\d.]+  dead \d",
        )
        self.assertRegex(done.stdout, r"unrouted 0\.0 %  drop 0\.0 %")
        for number, name in enumerate(["mlp", "cnn", "vit", "rnn"]):
            self.assertRegex(done.stdout, rf"(?m)^  {number} {name} +[\d,]+ .* +[\d.]+ %  x\d\.\d\d")
        self.assertRegex(done.stdout, r"(?m)^class information NMI [\d.]+ \(chance [\d.]+ \.\. [\d.]+\)")
        self.assertRegex(done.stdout, r"(?m)^MAC of an example: routed [\d.]+ [kM], executed [\d.]+ [kM]")
        self.assertIn(f"150 examples of synthetic, test split   wrote {RUN}/{NAME}", done.stderr)
        tensors = header(self.run_folder / NAME)
        self.assertEqual(tensors["layers.0.count_E"]["shape"], [4])
        self.assertEqual(tensors["layers.0.class_EG"]["shape"], [4, 10])
        self.assertEqual(tensors["layers.0.sample_TK"]["shape"], [600, 2])
        self.assertNotIn("layers.0.cka_EE", tensors)

    def test_shares_are_those_that_eval_finds(self):
        metrics = json.loads(self.succeeds("eval", RUN, "--format", "json").stdout)["metrics"]
        found = self.document()
        self.assertEqual(found["loss"], metrics["loss"])
        self.assertEqual(found["accuracy"], metrics["accuracy"])
        for expert in found["layers"][0]["experts"]:
            self.assertEqual(expert["share"], metrics[f"layers.0.experts.{expert['id']}.share"])

    def test_all_that_can_be_recorded(self):
        done = self.succeeds("route", RUN, "valid", *ALL, "--per-token", "20", "--out", "all.safetensors")
        self.assertRegex(done.stdout, r"without an expert  0 mlp: loss [+-]\d")
        self.assertRegex(done.stdout, r"similarity \(CKA debiased, 120 tokens\)")
        self.assertRegex(done.stdout, r"with a random router  CV ")
        tensors = header(self.program.path("all.safetensors"))
        self.assertEqual(tensors["layers.0.sample_TK"]["shape"], [20, 2])
        self.assertEqual(tensors["layers.0.cka_EE"]["shape"], [4, 4])
        self.assertEqual(tensors["layers.0.knockout_loss_EY"]["shape"], [4, 10])
        self.assertIn("random_router.layers.0.count_E", tensors)

    def test_latency_is_measured_when_asked_for(self):
        self.assertNotIn("Latency", self.succeeds("report", RUN, "--format", "md").stdout)
        self.succeeds("route", RUN, "--latency")
        found = json.loads(header(self.run_folder / NAME)["__metadata__"]["heterodyne.routing"])["latency"]
        self.assertEqual([one["batch"] for one in found], [1, 64])
        for one in found:
            self.assertGreater(one["p50_ms"], 0)
            self.assertGreaterEqual(one["p95_ms"], one["p50_ms"])
        self.assertIn("Latency of a forward pass", self.succeeds("report", RUN, "--format", "md").stdout)

    def test_the_same_again_gives_the_same_bytes_for_any_number_of_threads(self):
        files = []
        for threads in ("1", "2", "3"):
            self.succeeds("route", RUN, "--random-control", "--threads", threads, "--out", f"{threads}.safetensors")
            files.append(self.program.path(f"{threads}.safetensors").read_bytes())
        self.assertEqual(files[1:], files[:1] * 2)

    def test_a_limit_counts_examples(self):
        found = self.document("--limit", "37", *ALL)
        self.assertEqual(found["examples"], 37)
        self.assertEqual(found["layers"][0]["tokens"], 37 * 4)

    def test_splits_and_other_data_sets(self):
        self.assertEqual(self.document("train")["examples"], 270)
        self.assertEqual(self.document("valid")["examples"], 30)
        self.assertEqual(self.document("synthetic")["split"], "test")
        self.refuses(USAGE, ["[route] examples: expected one of train, valid, test, ", "nearest: valid"], "route", RUN, "vald")
        self.refuses(USAGE, ["mnist: the model reads images [1, 8, 8] in 10 classes, got [1, 28, 28]"], "route", RUN, "mnist")

    def test_rows_for_programs(self):
        rows = list(csv.DictReader(io.StringIO(self.succeeds("route", RUN, "--format", "csv").stdout)))
        self.assertEqual([row["name"] for row in rows], ["mlp", "cnn", "vit", "rnn"])
        self.assertAlmostEqual(sum(float(row["share"]) for row in rows), 1, places=6)
        self.assertTrue(self.succeeds("route", RUN, "--format", "md").stdout.startswith("| layer | id | name |"))

    def test_a_checkpoint_alone_writes_where_one_is(self):
        best = program.checkpoint(self.run_folder, "BEST").relative_to(self.program.folder)
        self.succeeds("route", str(best))
        self.assertTrue(self.program.path(NAME).exists())

    def test_only_a_routing_profile_is_written_over(self):
        self.succeeds("route", RUN, "--out", "r.safetensors")
        before = self.program.path("r.safetensors").read_bytes()
        self.succeeds("route", RUN, "valid", "--out", "r.safetensors")
        self.assertNotEqual(self.program.path("r.safetensors").read_bytes(), before)
        self.program.write("notes.txt", "precious")
        self.refuses(USAGE, ["notes.txt: exists and is no routing profile"], "route", RUN, "--out", "notes.txt")
        self.assertEqual(self.program.path("notes.txt").read_text(), "precious")
        weights = next(self.run_folder.rglob("model.safetensors"))
        kept = weights.read_bytes()
        self.refuses(USAGE, ["is no routing profile"], "route", RUN, "--out", str(weights))
        self.assertEqual(weights.read_bytes(), kept)
        self.refuses(USAGE, ["expected a file's name"], "route", RUN, "--out", RUN)

    def test_what_is_no_model_is_refused(self):
        self.refuses(INPUT, ["nothing"], "route", "nothing")
        best = program.checkpoint(self.run_folder, "BEST")
        weights = best / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-10])
        self.refuses(INPUT, ["model.safetensors"], "route", str(best))

    def test_a_model_without_experts_is_refused(self):
        self.program.write("dense.toml", 'name = "dense"\ndata = { kind = "synthetic", examples = 100, batch = 20, size = 8 }\n'
                           'model = { kind = "mlp", hidden = 8 }\ntrain = { epochs = 1 }\n')
        self.succeeds("train", "dense.toml", "--out", "dense")
        self.refuses(USAGE, ["dense: expected a network with Mixture-of-Experts layers, it has none"], "route", "dense")

    def test_an_empty_split_is_refused(self):
        self.succeeds("train", *program.small({"data.validation": 0}), "--out", "none")
        self.refuses(USAGE, ["the valid split is empty"], "route", "none", "valid")

    def test_names_cannot_steer_the_terminal_or_a_page(self):
        name = r"\u001b]0;x\u0007<script>|\u202e"
        experts = f'[{{name="{name}",kind="mlp",hidden=8,count=2}},{{kind="mlp",hidden=4}}]'
        self.succeeds("train", *program.small({"model.moe.experts": experts}), "--out", "named")
        for words in ([], ["--format", "md"], ALL):
            done = self.succeeds("route", "named", *words)
            for text in (done.stdout, done.stderr):
                self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text), text)
        self.assertIn(r"\x1b]0;x\x07<", self.succeeds("route", "named").stdout)
        found = json.loads(self.succeeds("route", "named", "--format", "json").stdout)
        self.assertEqual(found["layers"][0]["experts"][0]["name"], "\x1b]0;x\x07<script>|\u202e")

    def test_help_names_every_flag(self):
        done = self.succeeds("route", "--help")
        for word in ("--knockout", "--similarity", "--random-control", "--per-token", "--limit", "--out", "examples"):
            self.assertIn(word, done.stdout)


if __name__ == "__main__":
    unittest.main()
