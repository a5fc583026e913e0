"""What users of such programs ask for most, each by a test of its name; those about single parts are in
tests/user_asks/."""

import hashlib
import json
import pathlib
import struct
import unittest

from program import ProgramTest, checkpoint, metrics, small


def edit_tensor(file: pathlib.Path, name: str, values: list[float]) -> None:
    """Overwrites a float32 tensor of a safetensors file."""
    contents = bytearray(file.read_bytes())
    length = struct.unpack_from("<Q", contents)[0]
    begin, end = json.loads(contents[8 : 8 + length])[name]["data_offsets"]
    struct.pack_into(f"<{len(values)}f", contents, 8 + length + begin, *values)
    assert end - begin == 4 * len(values)
    file.write_bytes(contents)


def renew_manifest(folder: pathlib.Path, name: str) -> None:
    """Makes the checkpoint sound again after its file `name` was edited."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][name]["sha256"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(manifest))


class UserAsks(ProgramTest):
    def test_ask_1_a_forced_dead_expert_is_named_within_one_log_interval(self) -> None:
        """Experts 0 and 1 see the scores w x and -w x, of which one is never below the 0 of expert 2."""
        dead = {
            "model.moe.experts": '[{ kind = "mlp", hidden = 8, count = 3 }]',
            "model.moe.router": '{ kind = "top_k", k = 1, weights = "score" }',
            "train.optimizer.lr": 1e-9,
            "train.log_every": 4,
        }
        self.succeeds("train", *small(dead), "--out", "run")
        folder = checkpoint(self.program.path("run"))
        row = [(-1.0) ** i for i in range(16)]
        edit_tensor(folder / "model.safetensors", "layers.0.router.gate.weight", row + [-x for x in row] + [0.0] * 16)
        renew_manifest(folder, "model.safetensors")
        before = len(metrics(self.program.path("run")))
        done = self.succeeds("train", "--resume", "run", "--set", "train.epochs=4")
        warnings = [line for line in done.warnings if "expert 2" in line]
        self.assertEqual(len(warnings), 1, done.stderr)
        self.assertRegex(
            warnings[0],
            r"^warning: layers\.0: expert 2 \(mlp\) got no token for \d steps\. "
            r'Try a larger model\.moe\.balancers\.0\.weight \([\d.]+ now\) or model\.moe\.router\.noise = "gumbel"\.$',
        )
        lines = done.stderr.splitlines()
        first_line = next(i for i, line in enumerate(lines) if "  loss " in line)
        self.assertLessEqual(lines.index(warnings[0]), first_line, "after the first line of metrics")
        self.assertGreater(len(metrics(self.program.path("run"))), before)

    def test_ask_1_scalars_of_a_step_are_bounded_however_many_experts_there_are(self) -> None:
        many = {"model.moe.experts": '[{ kind = "mlp", hidden = 4, count = 32 }]', "model.layers": 2}
        self.succeeds("train", *small(many | {"model.moe.layers": [0, 1]}), "--out", "run")
        for line in metrics(self.program.path("run")):
            if line["kind"] != "experts":
                self.assertLessEqual(len(line) - len({"step", "kind"}), 12 + 8 * 2, line)

    def test_ask_10_the_same_seed_gives_the_same_metrics(self) -> None:
        for name in ("a", "b"):
            self.succeeds("train", *small(), "--out", name)
        self.succeeds("train", *small({"seed": 2}), "--out", "c")
        self.assertEqual(metrics(self.program.path("a")), metrics(self.program.path("b")))
        self.assertNotEqual(metrics(self.program.path("a")), metrics(self.program.path("c")))

    def test_ask_13_everything_works_without_a_gpu(self) -> None:
        hidden = {"CUDA_VISIBLE_DEVICES": ""}
        self.succeeds("train", *small(), "--out", "run", env=hidden)
        for words in (["eval", "run"], ["route", "run"], ["report", "run"], ["verify", "run"], ["inspect", "run"]):
            self.succeeds(*words, env=hidden)

    def test_ask_14_routing_is_analysed_from_any_model_without_python(self) -> None:
        """With nothing on the PATH: no interpreter, no browser, no other program."""
        self.succeeds("train", *small(), "--out", "run")
        alone = {"PATH": "/nonexistent"}
        last = str(checkpoint(self.program.path("run")).relative_to(self.program.folder))
        for model in ("run", last):
            done = self.succeeds("route", model, "--out", "routing.safetensors", env=alone)
            self.assertIn("layers.0", done.stdout)
            self.assertIn("class information NMI", done.stdout)
        self.succeeds("report", "run", "--out", "a.html", env=alone)
        self.succeeds("report", "routing.safetensors", "--out", "b.html", env=alone)
        for page in ("a.html", "b.html"):
            self.assertIn("Content-Security-Policy", self.program.path(page).read_text())


if __name__ == "__main__":
    unittest.main()
