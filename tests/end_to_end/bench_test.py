"""Timing of layers, steps and routing: what is printed and written, and the exit codes. No time is asserted."""

import json
import unittest

import program
from program import ProgramTest

TINY = """
[[shape]]
id = "tiny"
tokens = 32
width = 16
experts = [{ kind = "swiglu", hidden = 8, count = 4 }]

[[shape]]
id = "uneven"
tokens = 32
width = 16
loads = "zipf"
choices = [1, 3]
per_flop_of = "tiny"
experts = [{ kind = "swiglu", hidden = [4, 8, 16] }, { kind = "lstm_cell" }]
"""


class BenchTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.program.write("tiny.toml", TINY)

    def bench(self, *words: str):
        return self.program.run("bench", *words, "--rounds", "2")

    def test_layers_are_compared_with_dense_and_plain_ones(self):
        done = self.bench("layer", "--shapes", "tiny.toml", "--format", "json", "--out", ".")
        self.assertEqual((done.code, done.stderr), (program.DONE, ""))
        whole = json.loads(done.stdout)
        self.assertEqual(json.loads(self.program.path("bench.json").read_text()), whole)
        forward, backward, uneven, _ = whole["points"]
        self.assertEqual((forward["shape"], forward["pass"], backward["pass"]), ("tiny", "forward", "forward+backward"))
        self.assertEqual(forward["flops"], 6 * 64 * 16 * 8)
        self.assertEqual(backward["flops"], 3 * forward["flops"])
        against = {ratio["to"] for ratio in forward["ratios"]}
        self.assertLessEqual({"dense_gemm", "dense_own", "naive_loop", "capacity_bmm", "grouped_mm"}, against)
        self.assertLess(forward["difference"], 1e-4)
        self.assertIn("median", uneven["per_flop"])

    def test_a_limit_makes_it_fail(self):
        done = self.bench("layer", "tiny", "--shapes", "tiny.toml", "--vs", "dense", "--fail-over", "0.001")
        self.assertEqual(done.code, program.CHECK)
        self.assertRegex(done.stdout, r"^tiny  tokens 32 width 16 experts 4 \(8\) k 2   forward [\d.]+x dense")
        self.assertRegex(done.stderr, "bench layer: expected at most 0.001 times the best dense layer, got tiny forward ")

    def test_training_steps_of_configurations(self):
        done = self.bench("model", "synthetic/dmmoe", "--format", "json", *program.settings(program.SMALL))
        self.assertEqual((done.code, done.stderr), (program.DONE, ""))
        (model,) = json.loads(done.stdout)["points"]
        self.assertAlmostEqual(sum(model["phases"].values()), 1, places=6)
        self.assertLessEqual({"router", "experts", "losses", "optimizer"}, set(model["parts"]))

    def test_routing_and_growth(self):
        done = self.bench("dispatch", "tiny", "--shapes", "tiny.toml")
        self.assertEqual((done.code, done.stderr), (program.DONE, ""))
        self.assertRegex(done.stdout.splitlines()[1], r"^tiny +top_k +4 +64 ")
        done = self.bench("growth", "tiny", "--shapes", "tiny.toml")
        self.assertEqual((done.code, done.stderr), (program.DONE, ""))
        self.assertRegex(done.stdout.splitlines()[1], r"^tiny +4 +8 .* true$")

    def test_what_is_not_there_is_named(self):
        for words, message in (
            (("layer", "C9"), 'expected shapes of C1, C2, .*, got "C9"'),
            (("layer", "--shapes", "nowhere.toml"), 'expected a file or one of decode, experts, ffn, layer, router, scale, top_any, got "nowhere.toml"'),
            (("model",), "expected a configuration file or a recipe"),
        ):
            done = self.bench(*words)
            self.assertEqual(done.code, program.USAGE)
            self.assertRegex(done.stderr, message)

    def test_train_says_where_the_time_went(self):
        done = self.program.run("train", *program.small(), "--profile", "--out", "run")
        self.assertEqual(done.code, program.DONE, done.stderr)
        self.assertRegex(done.stdout, r"part +spans +forward ms +backward ms +share %\n")
        for part in ("router", "experts", "losses", "optimizer", "data", "network"):
            self.assertIn(f"\n{part} ", done.stdout)
        events = json.loads(self.program.path("run/trace.json").read_text())["traceEvents"]
        self.assertEqual({event["args"]["place"] for event in events if event["name"] == "router"}, {"layers.0"})


if __name__ == "__main__":
    unittest.main()
