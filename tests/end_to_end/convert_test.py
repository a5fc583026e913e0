"""A dense language model becomes a Mixture of Experts: the stages, what they leave, and what is refused."""

import json
import pathlib
import struct
import unittest

from program import ANIMALS, DONE, FAILED, INPUT, USAGE, ProgramTest, text_config

DENSE = text_config(
    """
kind = "llama"
width = 16
layers = 3
heads = 2
dense = { kind = "swiglu", hidden = 48 }
""",
    """
epochs = 3
optimizer = { kind = "adamw", lr = 0.01, clip_norm = 1.0 }
""",
    data="validation = 0.1",
)
CONVERSION = """
model = "run"
out = "moe"
layers = [1, 2]
experts = 4
sequences = 16
partition = { kind = "hemoe", modules = 24, ratio = 4 }
router = { kind = "top_k", k = 2, weights = "one", init_std = 0.001 }
balancers = [{ kind = "size_penalty", weight = 0.01 }]
tuning = ["train.epochs=1", "train.optimizer.lr=0.002"]
"""


def tensors(folder: pathlib.Path) -> dict[str, bytes]:
    contents = (folder / "model.safetensors").read_bytes()
    begin = 8 + struct.unpack("<Q", contents[:8])[0]
    entries = json.loads(contents[8:begin])
    return {name: contents[begin + entry["data_offsets"][0] : begin + entry["data_offsets"][1]]
            for name, entry in entries.items() if name != "__metadata__"}


class ConvertTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.shared.write("text.txt", ANIMALS)
        cls.shared.write("dense.toml", DENSE)
        cls.shared.write("conversion.toml", CONVERSION)
        trained = cls.shared.run("train", "dense.toml", "--out", "run")
        assert trained.code == DONE, trained.stderr

    def convert(self, *words: str):
        return self.shared.run("convert", *words)

    def test_adapters_learn_on_a_converted_models_weights(self):
        done = self.convert("run", "conversion.toml", "--out", "base_moe", "--set", 'partition={kind="contiguous"}')
        self.assertEqual(done.code, DONE, done.stderr)
        lora = ["--set", "train.start.from=base_moe", "--set", "model.lora={rank=2}"]
        done = self.shared.run("train", "base_moe/resolved.toml", "--out", "adapted", "--data", ".", *lora)
        self.assertEqual(done.code, DONE, done.stderr)
        self.assertRegex(done.stderr + done.stdout, r"as in \S*base_moe.*; at their first values: blocks.0.attention")
        start, tuned = (tensors(next(iter(sorted(self.shared.path(f"{run}/checkpoints").glob("step-*"), reverse=True))))
                        for run in ("base_moe", "adapted"))
        self.assertEqual({name for name in tuned if name not in start},
                         {f"blocks.{l}.attention.{p}.lora_{ab}" for l in range(3) for p in ("query", "key", "value", "output")
                          for ab in "ab"})
        for name, value in start.items():
            self.assertEqual(value, tuned[name], name)
        self.assertTrue(any(tuned["blocks.0.attention.query.lora_b"]), "zeros at first")
        self.assertEqual(self.shared.run("export", "adapted", "adapter", "--to", "peft").code, DONE)
        self.assertEqual(self.shared.run("import", "adapter", "again", "--base", "base_moe").code, DONE)
        losses = [json.loads(self.shared.run("eval", model, "--text", "text.txt", "--format", "json").stdout)[0]["value"]
                  for model in ("adapted", "again", "base_moe")]
        self.assertAlmostEqual(losses[0], losses[1], places=5)
        self.assertNotAlmostEqual(losses[0], losses[2], places=3)

    def test_one_command_makes_a_model_that_can_be_used_and_tuned(self):
        done = self.convert("run", "conversion.toml", "--out", "whole")
        self.assertEqual(done.code, DONE, done.stderr)
        self.assertRegex(done.stdout, r"scores.safetensors: 3 layers x 48 neurons x 1 domains\n")
        self.assertRegex(done.stdout, r"coverage  30 of 30 source tensors used; \d+ target tensors: \d+ from source, 2 new")
        self.assertRegex(done.stdout, r"parity    all experts on: max \|logit error\| \S+ over \d+ tokens .* ok\n")
        maps = [self.shared.path(f"whole/maps/{layer}.part.4").read_text().split() for layer in (1, 2)]
        self.assertEqual([len(lines) for lines in maps], [48, 48])
        self.assertEqual(set(maps[0]), {"0", "1", "2", "3"})
        evaluated = self.shared.run("eval", "whole", "--format", "json")
        self.assertEqual(evaluated.code, DONE, evaluated.stderr)
        before = json.loads(evaluated.stdout)["metrics"]["loss"]
        tuned = self.shared.run("train", "--resume", "whole")
        self.assertEqual(tuned.code, DONE, tuned.stderr)
        self.assertLess(json.loads(self.shared.run("eval", "whole", "--format", "json").stdout)["metrics"]["loss"], before)
        again = self.convert("build", "conversion.toml", "--out", "whole")
        self.assertEqual(again.code, USAGE)
        self.assertIn("expected a folder whose model was not tuned yet", again.stderr)

    def test_routers_may_begin_with_what_domains_have_in_common(self):
        domain = '{{kind="text_lm",path="{}.txt",length=10,batch=4,tokenizer={{kind="byte",vocabulary="observed"}}}}'
        self.shared.write("other.txt", "the log sat on the cat. the mat on the dog.\n" * 60)
        domains = "domains=[" + ",".join(domain.format(name) for name in ("text", "other")) + "]"
        same = ["--set", "router_init=domains", "--set", 'partition={kind="random_homogeneous"}', "--data", "."]
        done = self.convert("run", "conversion.toml", "--out", "pointed", "--set", domains, *same)
        self.assertEqual(done.code, DONE, done.stderr)
        self.assertRegex(done.stdout, r"3 layers x 48 neurons x 2 domains\n")
        step = next(iter(self.shared.path("pointed/checkpoints").glob("step-*")))
        gate = tensors(step)["layers.1.router.gate.weight"]
        rows = [struct.unpack("<16f", gate[64 * e:64 * e + 64]) for e in range(4)]
        for row in rows:
            self.assertAlmostEqual(sum(value * value for value in row), 1, places=4)
        done = self.convert("run", "conversion.toml", "--out", "alone", *same)
        self.assertEqual(done.code, FAILED)
        self.assertIn('router_init: expected two domains or more for "domains", got 1', done.stderr)

    def test_stages_keep_what_was_made_of_the_same_settings(self):
        self.assertEqual(self.convert("score", "conversion.toml", "--out", "stages").code, DONE)
        kept = self.convert("score", "conversion.toml", "--out", "stages")
        self.assertIn("stages/scores.safetensors: of the same settings, kept", kept.stderr + kept.stdout)
        other = self.convert("score", "conversion.toml", "--out", "stages", "--set", "sequences=8")
        self.assertIn("3 layers x 48 neurons", other.stdout)
        stale = self.convert("partition", "conversion.toml", "--out", "stages", "--set", 'partition={kind="moebert"}')
        self.assertEqual(stale.code, INPUT)
        self.assertIn("stages/scores.safetensors: expected scores of this model, these texts and settings", stale.stderr)
        self.assertEqual(self.convert("score", "conversion.toml", "--out", "stages").code, DONE)
        self.addCleanup(self.shared.write, "text.txt", ANIMALS)
        self.shared.write("text.txt", ANIMALS[::-1])
        other = self.convert("score", "conversion.toml", "--out", "stages")
        self.assertIn("3 layers x 48 neurons", other.stdout, "a file of the same name with another text")
        self.shared.write("text.txt", ANIMALS)
        self.assertEqual(self.convert("score", "conversion.toml", "--out", "stages").code, DONE)
        for kind in ("moefication", "moebert", "random_homogeneous"):
            done = self.convert("partition", "conversion.toml", "--out", "stages", "--set", f'partition={{kind="{kind}"}}')
            self.assertEqual(done.code, DONE, done.stderr)
            self.assertIn("12 12 12 12", done.stdout)
            built = self.convert("build", "conversion.toml", "--out", "stages")
            self.assertEqual(built.code, DONE, built.stderr)

    def test_what_cannot_be_is_said(self):
        lost = self.convert("build", "conversion.toml", "--out", "nothing")
        self.assertEqual(lost.code, INPUT)
        self.assertIn("nothing/maps/1.part.4", lost.stderr)
        layer = self.convert("run", "conversion.toml", "--out", "x", "--set", "layers=[7]")
        self.assertEqual(layer.code, USAGE)
        self.assertIn("layers: expected dense layers of run (0, 1, 2), got 7", layer.stderr)
        bounds = self.convert("run", "conversion.toml", "--out", "x", "--set", "partition.modules=49")
        self.assertNotEqual(bounds.code, DONE)
        self.assertIn("modules: expected at most the layer's 48 neurons, got 49", bounds.stderr)
        wrong = self.convert("run", "conversion.toml", "--out", "x", "--set", 'router={kind="top_k",k=2}')
        self.assertEqual(wrong.code, 4)
        self.assertIn("all experts on: expected the dense model's logits", wrong.stderr)
        self.assertFalse(self.shared.path("x/checkpoints").exists())
        self.shared.path("stages").mkdir(exist_ok=True)
        self.shared.write("broken/maps/1.part.4", "0\n9\n")
        broken = self.convert("build", "conversion.toml", "--out", "broken")
        self.assertEqual(broken.code, INPUT)
        self.assertIn("broken/maps/1.part.4:2: expected numbers of experts 0 .. 3, got \"9\"", broken.stderr)


if __name__ == "__main__":
    unittest.main()
