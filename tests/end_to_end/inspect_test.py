"""Looking into files, checkpoints and runs: what is said of sound ones, and how damaged and hostile ones are refused."""

import csv
import io
import json
import shutil
import unittest

import program
from program import INPUT, ProgramTest

RUN = "run"


def tensor_file(header: dict, values: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + values


class InspectTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        done = cls.shared.run("train", *program.small(), "--out", RUN)
        assert done.code == program.DONE, done.stderr
        cls.best = program.checkpoint(cls.shared.path(RUN), "BEST")

    def prints(self, *words: str) -> str:
        done = self.shared.run("inspect", *words)
        self.assertEqual((done.code, done.stderr), (program.DONE, ""))
        return done.stdout

    def test_a_run_says_its_best_checkpoint_and_its_experts(self):
        lines = self.prints(RUN).splitlines()
        self.assertRegex(lines[0], r"^run, done   \d checkpoints up to step 10$")
        self.assertEqual(lines[1], f"checkpoint of step {int(self.best.name[5:])}   network dmmoe")
        self.assertRegex(lines[2], rf"{self.best.name}/model.safetensors   44,660 bytes   float32   \d+ tensors   ")
        experts = [line.split()[:3] for line in lines[4:]]
        kinds = ("mlp", "conv1d", "vit_block", "lstm_cell")
        self.assertEqual(experts, [["layers.0", str(number), kind] for number, kind in enumerate(kinds)])

    def test_a_run_and_its_checkpoint_agree(self):
        run, checkpoint = (json.loads(self.prints(path, "--format", "json")) for path in (RUN, str(self.best)))
        self.assertEqual((run.pop("state"), run.pop("checkpoints")), ("done", len(program.steps(self.shared.path(RUN)))))
        checkpoint["file"] = checkpoint["file"].replace(f"{self.shared.folder}/", "")
        self.assertEqual(run, checkpoint)
        self.assertEqual([expert["id"] for expert in run["experts"]], [0, 1, 2, 3])

    def test_tensors_are_listed_in_every_form(self):
        path = self.best / "model.safetensors"
        rows = json.loads(self.prints(str(path), "--tensors", "--format", "json"))
        length = int.from_bytes(path.read_bytes()[:8], "little")
        header = json.loads(path.read_bytes()[8 : 8 + length])
        header.pop("__metadata__", None)
        self.assertEqual({row["name"] for row in rows}, set(header))
        for row in rows:
            entry = header[row["name"]]
            self.assertEqual(json.loads(row["shape"]), entry["shape"])
            self.assertEqual(row["bytes"], entry["data_offsets"][1] - entry["data_offsets"][0])
            self.assertEqual((row["dtype"], entry["dtype"]), ("float32", "F32"))
        lines = list(csv.DictReader(io.StringIO(self.prints(str(path), "--tensors", "--format", "csv"))))
        self.assertEqual([line["name"] for line in lines], [row["name"] for row in rows])
        self.assertEqual(len(self.prints(str(path), "--tensors").splitlines()), 1 + len(rows))
        self.assertIn("| tensors |", self.prints(RUN, "--format", "md"))

    def test_a_file_of_somebody_else_is_described(self):
        header = {
            "__metadata__": {"format": "pt"},
            "a": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]},
            "b": {"dtype": "I64", "shape": [], "data_offsets": [8, 16]},
        }
        self.program.write("w.safetensors", tensor_file(header, bytes(16)))
        done = self.succeeds("inspect", "w.safetensors")
        self.assertRegex(done.stdout, r"^w.safetensors   \d+ bytes   bfloat16, int64   2 tensors   5 values\n$")

    def test_names_do_not_command_the_terminal(self):
        name = "x\x1b[2J\u009b2J\ny"
        header = {name: {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}
        self.program.write("w.safetensors", tensor_file(header, b"1"))
        done = self.succeeds("inspect", "w.safetensors", "--tensors")
        self.assertIn(r"x\x1b[2J\u009b2J\ny", done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 2)

    def test_damaged_and_hostile_files_are_refused_with_the_place(self):
        entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
        sound = tensor_file({"a": entry}, bytes(8))
        for contents, says in [
            (sound[:-1], "byte "),
            (sound + b"x", f"byte {len(sound)}: expected the end of the file"),
            (sound[:5], "byte 5: expected a header length of 8 bytes"),
            (b"", "byte 0: "),
            ((1 << 40).to_bytes(8, "little") + sound[8:], "byte 0: header length: expected at most"),
            (tensor_file({"a": entry | {"shape": [1 << 40, 1 << 40]}}, bytes(8)), "fewer than 2^63 bytes"),
            (tensor_file({"a": entry | {"data_offsets": [0, 4]}}, bytes(8)), "8 bytes for this dtype and shape"),
            (tensor_file({"a": entry | {"dtype": "F7"}}, bytes(8)), 'got "F7"'),
        ]:
            self.program.write("w.safetensors", contents)
            self.refuses(INPUT, ["w.safetensors: byte ", says], "inspect", "w.safetensors")

    def test_a_damaged_checkpoint_is_refused(self):
        shutil.copytree(self.best, self.program.path("checkpoint"))
        model = self.program.path("checkpoint/model.safetensors")
        model.write_bytes(model.read_bytes()[:-100])
        self.refuses(INPUT, ["checkpoint/model.safetensors: byte "], "inspect", "checkpoint")

    def test_what_is_not_there_is_refused(self):
        self.refuses(INPUT, ["none: no such file or folder"], "inspect", "none")
        self.program.path("empty").mkdir()
        self.refuses(INPUT, ["empty: is neither a run's folder with a checkpoint nor"], "inspect", "empty")


if __name__ == "__main__":
    unittest.main()
