"""What users ask for most about models that come and go, each by a test of its name: 3, 6 and 7. 5 is in
tests/user_asks/, 15 in tests/tools/examples_test.sh."""

import json
import shutil
import struct
import unittest

from program import ANIMALS, CHECK, ProgramTest, metrics

TEXT = ANIMALS * 2
DENSE = """
name = "dense"
data = { kind = "text_lm", path = "text.txt", batch = 4, length = 10, validation = 0.1 }
model = { kind = "llama", width = 16, layers = 2, heads = 2, dense = { kind = "swiglu", hidden = 24 } }
train = { epochs = 1, optimizer = { kind = "adamw", lr = 0.01 } }
"""
CONVERSION = """
model = "dense"
out = "moe"
layers = [1]
experts = 4
sequences = 16
partition = { kind = "hemoe", modules = 12, ratio = 4 }
router = { kind = "top_k", k = 2, weights = "one", init_std = 0.001 }
"""
MIXED = """
name = "mixed"
data = { kind = "text_lm", path = "text.txt", batch = 4, length = 10, validation = 0.1 }
train = { epochs = 1, checkpoint = { every_steps = 20 } }
[model]
kind = "llama"
width = 16
layers = 3
heads = 2
[model.moe]
layers = [0, 1, 2]
router = { kind = "top_k", k = 2 }
experts = [{ kind = "mlp", hidden = 8, count = 2 }, { kind = "swiglu", hidden = [8, 24] }]
[model.moe.layer.1]
experts = [
  { kind = "geglu", hidden = 8, count = 3 },
  { kind = "norm_mlp", hidden = 8, inner = 8, count = 2 },
  { kind = "mlp", hidden = 32, count = 2 },
]
[model.moe.layer.2]
experts = [{ kind = "bottleneck", hidden = 4 }, { kind = "swiglu", hidden = 40 }]
"""


def read_tensors(path) -> tuple[dict, bytes]:
    contents = path.read_bytes()
    length = struct.unpack_from("<Q", contents)[0]
    return json.loads(contents[8 : 8 + length]), contents[8 + length :]


def write_tensors(path, header: dict, values: bytes) -> None:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + values)


def without(header: dict, values: bytes, name: str) -> tuple[dict, bytes]:
    """The file without that tensor and its bytes."""
    begin, end = header[name]["data_offsets"]
    rest = {}
    for key, entry in header.items():
        if key == name:
            continue
        if "data_offsets" in entry and entry["data_offsets"][0] >= end:
            entry = entry | {"data_offsets": [offset - (end - begin) for offset in entry["data_offsets"]]}
        rest[key] = entry
    return rest, values[:begin] + values[end:]


class UserAsks(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.program.write("text.txt", TEXT)

    def test_ask_3_a_tensor_removed_renamed_or_reshaped_is_named_and_nothing_is_written(self) -> None:
        self.program.write("dense.toml", DENSE)
        self.succeeds("train", "dense.toml", "--out", "dense")
        self.succeeds("export", "dense", "hf")
        header, values = read_tensors(self.program.path("hf/model.safetensors"))
        tensors = [name for name in header if name != "__metadata__"]
        for name in tensors[:: max(1, len(tensors) // 4)]:
            shape = header[name]["shape"]
            damages = {
                "removed": without(header, values, name),
                "renamed": ({key + "_" if key == name else key: entry for key, entry in header.items()}, values),
                "reshaped": (header | {name: header[name] | {"shape": [1, *shape]}}, values),
            }
            for damage, contents in damages.items():
                with self.subTest(tensor=name, damage=damage):
                    shutil.rmtree(self.program.path("damaged"), ignore_errors=True)
                    shutil.copytree(self.program.path("hf"), self.program.path("damaged"))
                    write_tensors(self.program.path("damaged/model.safetensors"), *contents)
                    self.refuses(CHECK, [name], "import", "damaged", "models/back")
                    self.assertFalse(self.program.path("models/back").exists())
        self.succeeds("import", "hf", "models/back")

    def test_ask_6_one_command_converts_chosen_layers_and_prints_that_all_experts_equal_dense(self) -> None:
        self.program.write("dense.toml", DENSE)
        self.program.write("conversion.toml", CONVERSION)
        self.succeeds("train", "dense.toml", "--out", "dense")
        said = self.succeeds("convert", "run", "conversion.toml").stdout
        self.assertRegex(said, r"parity    all experts on: max \|logit error\| \S+ over [\d,]+ tokens \(limit 1e-04\)  ok\n")
        inspected = self.succeeds("inspect", "moe").stdout
        self.assertRegex(inspected, r"layers\.1 +3  swiglu")
        self.assertNotIn("layers.0", inspected)

    def test_ask_7_layers_of_four_seven_and_two_experts_of_five_kinds(self) -> None:
        """Trains, goes on after a break as without one, reports, routes, and writes. No format of others knows such a
        model, which `export` says."""
        self.program.write("mixed.toml", MIXED)
        self.succeeds("train", "mixed.toml", "--out", "whole", "--set", "train.epochs=2")
        self.succeeds("train", "mixed.toml", "--out", "parts")
        self.succeeds("train", "--resume", "parts", "--set", "train.epochs=2")
        self.assertEqual(metrics(self.program.path("whole"))[-1]["loss"], metrics(self.program.path("parts"))[-1]["loss"])
        routed = self.succeeds("route", "whole", "--format", "json").stdout
        self.assertEqual([len(layer["experts"]) for layer in json.loads(routed)["layers"]], [4, 7, 2])
        self.assertIn("13 experts in 3 layers", self.succeeds("report", "whole", "--out", "page.html").stdout)
        self.assertTrue(self.succeeds("run", "whole", "-p", "the cat", "--tokens", "5").stdout.startswith("the cat"))
        self.refuses(CHECK, ["fits no form that is known"], "export", "whole", "out")
        self.assertFalse(self.program.path("out").exists())


if __name__ == "__main__":
    unittest.main()
