"""Configurations that are wrong: each ends with exit code 2 and lines that say where, what, expected and got.

`config check` and `train` read them alike; the tests use the first where they can and the second where a run folder
could be left behind.
"""

import unittest

import program
from program import USAGE, ProgramTest

SOUND = """name = "small"
seed = 1

[data]
kind = "synthetic"
batch = 50

[model]
kind = "dmmoe"
width = 16

[model.moe]
router = { kind = "top_k", k = 2, noise = "gumbel" }
experts = [{ kind = "mlp", hidden = 8, count = 3 }, { kind = "lstm_cell" }]

[train]
epochs = 1
optimizer = { kind = "adamw", lr = 1e-3 }
"""
EXPERTS = next(line for line in SOUND.splitlines() if line.startswith("experts = "))


class ConfigTest(ProgramTest):
    def refuses_config(self, old: str, new: str, value: str, *says: str) -> None:
        """The sound configuration with `old` replaced is refused, and the message begins with the place of `value`."""
        self.assertEqual(SOUND.count(old), 1)
        text = SOUND.replace(old, new)
        self.program.write("my.toml", text)
        before = text[: SOUND.index(old) + new.index(value)]
        place = f"my.toml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: "
        self.refuses(USAGE, [f"heterodyne: error: {place}", *says], "config", "check", "my.toml")

    def refuses_setting(self, flag: str, *says: str) -> None:
        self.refuses(USAGE, [f"--set {flag}: ", *says], "config", "check", "synthetic/dmmoe", "--set", flag)

    def test_a_network_of_images_alone_is_not_for_images_with_texts(self):
        says = ['kind: expected a network that reads images with texts, as the data "easy_vqa" are, got "dmmoe"']
        self.refuses(USAGE, says, "config", "check", "synthetic/dmmoe", "--set", 'data={kind="easy_vqa"}')

    def test_the_configuration_that_the_others_change_is_sound(self):
        self.program.write("my.toml", SOUND)
        self.assertIn("4 experts of 2 kinds (mlp, lstm_cell)", self.succeeds("config", "check", "my.toml").stdout)

    def test_an_unknown_key_is_refused_with_the_nearest(self):
        says = ['[model] unknown key "widht"; nearest: "width"', "All keys: heterodyne ls -v network.dmmoe"]
        self.refuses_config("width = 16", "widht = 16", "16", *says)
        self.refuses_config("seed = 1", "sede = 1", "1", 'unknown key "sede"; nearest: "seed"')
        self.refuses_config("hidden = 8", "hiden = 8", "8", '[model.moe.experts.0] unknown key "hiden"')

    def test_a_wrong_type_is_refused(self):
        for old, new, value, says in [
            ("width = 16", 'width = "big"', '"big"', '[model] width: expected a whole number, got text ("big")'),
            ("batch = 50", "batch = 0.5", "0.5", "[data] batch: expected a whole number, got a number (0.5)"),
            ("epochs = 1", "epochs = [1]", "[1]", "[train] epochs: expected a number, got a list ([1])"),
            (EXPERTS, "experts = 4", "4", "[model.moe] experts: expected a list, got a whole number (4)"),
        ]:
            self.refuses_config(old, new, value, says)

    def test_a_value_out_of_range_is_refused(self):
        self.refuses_config("batch = 50", "batch = 0", "0", "[data] batch: expected >= 1, got 0")
        self.refuses_config("epochs = 1", "epochs = -1.5", "-1.5", "[train] epochs: expected > 0, got -1.5")
        self.refuses_config("batch = 50", "validation = 1", "1", "[data] validation: expected 0 .. 0.9, got 1")

    def test_more_choices_than_experts_are_refused(self):
        self.refuses_config("k = 2", "k = 8", "8", "[model.moe.router] k: expected at most num_experts = 4, got 8")

    def test_an_empty_list_of_experts_is_refused(self):
        says = "moe.experts: expected at least one entry, got an empty list"
        self.refuses_config(EXPERTS, "experts = []", "[]", says)

    def test_an_unknown_kind_is_refused_with_the_nearest(self):
        for old, new, says in [
            ('"lstm_cell"', '"lstm_sell"', "[model.moe.experts.1] kind: expected one of bottleneck, "),
            ('"top_k"', '"topk"', "[model.moe.router] kind: expected one of base, "),
            ('"adamw"', '"adamww"', "[train.optimizer] kind: expected one of adam, "),
            ('"dmmoe"', '"dmoe"', "[model] kind: expected one of "),
            ('"synthetic"', '"syntetic"', "[data] kind: expected one of cifar10, "),
        ]:
            self.refuses_config(old, new, new, says, f"got {new}; nearest: {old}")

    def test_a_setting_without_effect_is_refused(self):
        no_noise = '[model.moe.router] noise_scale: has no effect while noise = "none"'
        for old, new, value, says in [
            ('noise = "gumbel"', "noise_scale = 2.0", "2.0", no_noise),
            ("width = 16", 'dense = "mlp"', '"mlp"', "[model] dense: has no effect while every layer is in moe.layers"),
            ("width = 16", 'stem = "conv"\npatch = 4', "4", '[model] patch: has no effect while stem = "conv"'),
        ]:
            self.refuses_config(old, new, value, says, "; remove one of the two")

    def test_all_mistakes_of_a_file_are_told_at_once(self):
        text = SOUND.replace("seed = 1", "sede = 1").replace("batch = 50", "batch = 0").replace('"adamw"', '"adamv"')
        self.program.write("my.toml", text)
        done = self.program.run("config", "check", "my.toml")
        lines = done.stderr.splitlines()
        self.assertEqual((done.code, len(lines)), (USAGE, 3), done.stderr)
        for line, number in zip(lines, (2, 6, 18)):
            self.assertTrue(line.startswith(f"heterodyne: error: my.toml:{number}:"), done.stderr)

    def test_what_is_required_is_named(self):
        self.program.write("my.toml", 'name = "small"\n')
        done = self.program.run("config", "check", "my.toml")
        self.assertEqual((done.code, done.stdout), (USAGE, ""))
        self.assertIn("data: required, it is missing", done.stderr)
        self.assertIn("model: required, it is missing", done.stderr)

    def test_a_mistake_of_syntax_is_refused_with_its_line(self):
        self.refuses_config("[model]\n", "[model\n", "\n", "expected ']'")
        self.refuses_config("seed = 1", 'name = "again"', '"again"', "cannot redefine existing string 'name'")
        self.refuses_config("width = 16", "width 16", "16", "expected '='")

    def test_a_file_that_is_no_text_is_refused(self):
        self.program.write("my.toml", b"\xff\xfe\x00")
        self.refuses(USAGE, ["my.toml:1:1: "], "config", "check", "my.toml")
        self.refuses(USAGE, ["."], "config", "check", ".")

    def test_an_unknown_recipe_is_refused_with_the_nearest(self):
        says = ['cifar10/dmoe: no such file or recipe; nearest: "cifar10/dmmoe"', "heterodyne ls recipes"]
        self.refuses(USAGE, says, "train", "cifar10/dmoe")
        self.refuses(USAGE, ["my.toml: no such file or recipe"], "train", "my.toml")

    def test_settings_on_the_line_are_checked_like_those_of_a_file(self):
        self.refuses_setting("model.widht=3", 'unknown key "widht"; nearest: "width"')
        self.refuses_setting("model.width=wide", '[model] width: expected a whole number, got text ("wide")')
        self.refuses_setting("model.moe.router.k=5", "[model.moe.router] k: expected at most num_experts = 4, got 5")
        self.refuses_setting("model.moe.experts=[]", "moe.experts: expected at least one entry, got an empty list")
        self.refuses_setting("model.patch=5", "[model] patch: expected a divisor of the image's 16 x 16 pixels, got 5")
        self.refuses_setting("model.moe.experts.2.heads=5", "heads: expected a divisor of the width 48, got 5")

    def test_settings_on_the_line_need_a_path_and_a_value(self):
        for flag in ("model.width", "=3", "model..width=3", ".=3"):
            self.refuses_setting(flag, "expected PATH=VALUE, for example ")
        self.refuses_setting("model.kind.k=3", 'expected a path of settings, but "k" leads into text')
        self.refuses_setting("model.moe.experts.4.hidden=3", "expected an index below 4, got 4")

    def test_a_base_of_a_base_is_refused(self):
        self.program.write("first.toml", SOUND)
        self.program.write("second.toml", 'base = "first.toml"\n')
        self.program.write("third.toml", 'base = "second.toml"\n')
        self.succeeds("config", "check", "second.toml")
        says = ["second.toml:1:8: base: expected a file without a base of its own, it is the base of third.toml"]
        self.refuses(USAGE, says, "config", "check", "third.toml")

    def test_a_base_that_is_not_there_is_refused(self):
        self.program.write("sub/my.toml", 'base = "other.toml"\n')
        self.refuses(USAGE, ["sub/other.toml: no such file", "sub/my.toml:1:8"], "config", "check", "sub/my.toml")
        self.program.write("sub/my.toml", "base = 3\n")
        self.refuses(USAGE, ["sub/my.toml:1:8: ", "base: expected text, got"], "config", "check", "sub/my.toml")

    def test_a_name_that_leads_elsewhere_is_refused(self):
        for name in ("a/b", "../b", ".", "", "a b"):
            self.refuses_setting(f"name={name}", "name: expected letters, digits, '-', '_' and '.'", f'got "{name}"')

    def test_a_wrong_seed_is_refused_as_it_was_written(self):
        self.refuses(USAGE, ["--seed", "expected a whole number", "abc"], "train", "demo", "--seed", "abc")

    def test_a_refused_configuration_leaves_no_run_folder(self):
        self.refuses(USAGE, ["k: expected at most"], "train", *program.small({"model.moe.router.k": 9}))
        says = "[data.synthetic] batch: expected at most the 270 training examples, got 500"
        self.refuses(USAGE, [says], "train", *program.small({"data.batch": 500}))
        self.assertEqual(list(self.program.folder.glob("runs/*")), [])


if __name__ == "__main__":
    unittest.main()
