"""`heterodyne export` and `import`: a model that was trained here leaves in the form of other software and comes back."""

import json
import re
import struct
import unittest

from program import ANIMALS, CHECK, INPUT, USAGE, ProgramTest, text_config

CONFIG = text_config(
    """
kind = "llama"
width = 16
layers = 2
heads = 2
[model.moe]
layers = [1]
experts = [{ kind = "swiglu", hidden = 16, count = 3 }]
router = { kind = "top_k", k = 2, weights = "score" }
[model.attention]
query_norm = "head"
""",
    "epochs = 1",
)


def header(path) -> dict:
    with open(path, "rb") as file:
        return json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))


class ImportTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.shared.write("text.txt", ANIMALS)
        cls.shared.write("my.toml", CONFIG)
        done = cls.shared.run("train", "my.toml", "--out", "run", "--quiet", "--data", ".")
        assert done.code == 0, done.stderr
        done = cls.shared.run("export", "run", "hf", "--to", "hf")
        assert done.code == 0, done.stderr
        cls.exported = done

    def setUp(self) -> None:
        super().setUp()
        self.program = self.shared

    def test_a_model_leaves_and_comes_back_with_the_same_text(self):
        self.assertIn("as qwen3_moe in float32", self.exported.stdout)
        self.assertIn("0 left at their initial value", self.exported.stdout)
        config = json.loads(self.program.path("hf/config.json").read_text())
        self.assertEqual((config["num_experts"], config["mlp_only_layers"]), (3, [0]))
        names = header(self.program.path("hf/model.safetensors"))
        self.assertIn("model.layers.1.mlp.experts.2.down_proj.weight", names)
        back = self.succeeds("import", "hf", "models/back")
        self.assertIn("qwen3_moe, network llama", back.stdout)
        self.assertIn("not compared: no --expect", back.stdout)
        shown = self.succeeds("inspect", "models/back").stdout
        self.assertIn("network llama", shown)
        # The symbols' numbers stand for the symbols, as no tokenizer went along.
        text = self.succeeds("run", "models/back", "-p", "3 5", "--tokens", "3", "--temperature", "0").stdout
        self.assertTrue(text.startswith("3 5 "), text)

    def test_weights_can_be_kept_compact_while_a_model_is_used(self):
        self.program.write("long.txt", "the cat sat on the log. the dog sat on the mat.\n" * 4)
        plain = json.loads(self.succeeds("eval", "run", "--text", "long.txt", "--format", "json").stdout)
        for dtype in ("bf16", "int8", "int8_columns"):
            done = self.succeeds("eval", "run", "--text", "long.txt", "--dtype", dtype, "--format", "json")
            said = re.search(rf"weights in {dtype}: (\d+) matrices, ([\d.]+) MB in the place of ([\d.]+) MB", done.stderr)
            self.assertGreater(int(said[1]), 10, done.stderr)
            values = [{row["metric"]: row["value"] for row in rows}["bits_per_byte"] for rows in (plain, json.loads(done.stdout))]
            self.assertAlmostEqual(values[1] / values[0], 1, delta=0.02, msg=dtype)
            self.assertNotEqual(*values)
            self.succeeds("run", "run", "-p", "the cat", "--tokens", "3", "--dtype", dtype)
            self.assertIn(f"weights in {dtype}: {said[1]} matrices", self.succeeds("route", "run", "long.txt", "--dtype", dtype).stderr)
        routed = []
        for dtype in ("float32", "int8"):
            done = self.succeeds("route", "run", "valid", "--data", ".", "--dtype", dtype, "--out", f"{dtype}.safetensors", "--format", "json")
            routed.append(json.loads(done.stdout)["layers"][0])
        self.assertEqual([layer["mean_k"] for layer in routed], [2, 2])
        self.assertEqual(routed[0]["tokens"], routed[1]["tokens"])
        self.assertAlmostEqual(routed[0]["entropy"], routed[1]["entropy"], delta=0.05)
        self.refuses(USAGE, ["expected one of float32, bf16, int8", 'got "int4"'], "run", "run", "-p", "a", "--dtype", "int4")

    def test_narrow_values(self):
        self.succeeds("export", "run", "narrow", "--dtype", "bfloat16", "--shard-mb", "1", "--arch", "qwen3_moe")
        values = header(self.program.path("narrow/model.safetensors"))
        self.assertEqual(values["model.norm.weight"]["dtype"], "BF16")
        self.succeeds("import", "narrow", "narrow_back")
        self.succeeds("verify", "narrow_back", "--checksums")

    def test_what_cannot_be_said_or_read_is_refused_and_nothing_is_written(self):
        self.refuses(CHECK, ["fits no form", "mixtral: "], "export", "run", "as_mixtral", "--arch", "mixtral")
        self.assertFalse(self.program.path("as_mixtral").exists())
        self.refuses(USAGE, ["exists already"], "export", "run", "hf")
        self.refuses(USAGE, ["expected one of", "mixtrall", 'nearest: "mixtral"'], "export", "run", "x", "--arch", "mixtrall")
        self.refuses(INPUT, ["none/config.json: cannot be read"], "import", "none", "models/none")
        whole = json.loads(self.program.path("hf/config.json").read_text())
        self.program.write("odd/config.json", json.dumps(whole | {"model_type": "rwkv"}))
        self.refuses(INPUT, ["model_type: expected one of", '"rwkv"'], "import", "odd", "models/odd")
        self.program.write("wide/config.json", json.dumps(whole | {"moe_intermediate_size": 17}))
        self.program.write("wide/model.safetensors", self.program.path("hf/model.safetensors").read_bytes())
        says = ["9 of another shape", "model.layers.1.mlp.experts.0.gate_proj.weight: expected [17, 16], got [16, 16]"]
        self.refuses(CHECK, [*says, "nothing written"], "import", "wide", "models/wide")
        self.assertFalse(self.program.path("models/wide").exists())


if __name__ == "__main__":
    unittest.main()
