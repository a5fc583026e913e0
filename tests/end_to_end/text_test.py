"""Language models as a user meets them: training on a text, going on with a prompt, and what is refused."""

import json
import re
import tomllib
import unittest

from program import ANIMALS, DONE, FAILED, INPUT, USAGE, ProgramTest, metrics, text_config

RUN = "run"
CONFIG = text_config(
    """
kind = "lstm_lm"
width = 16
dropout = 0.1
[model.moe]
output = "sigmoid"
router = { kind = "top_k", k = 2, noise = "gumbel" }
experts = [{ kind = "mlp", hidden = 16, count = 4 }]
balancers = [{ kind = "switch_loss", weight = 0.01 }]
""",
    """
epochs = 6
log_every = 20
optimizer = { kind = "adamw", lr = 0.01, clip_norm = 1.0 }
checkpoint = { best = "valid.loss", every_steps = 25 }
""",
    data="validation = 0.1",
)


class TextTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.shared.write("text.txt", ANIMALS)
        cls.shared.write("tiny.toml", CONFIG)
        cls.trained = cls.shared.run("train", "tiny.toml", "--out", RUN)
        assert cls.trained.code == DONE, cls.trained.stderr

    def setUp(self) -> None:
        super().setUp()
        self.program.write("text.txt", ANIMALS)
        self.program.write("tiny.toml", CONFIG)

    def writes(self, *words: str) -> str:
        done = self.shared.run("run", RUN, "-p", "the ", *words)
        self.assertEqual(done.code, DONE, done.stderr)
        return done.stdout

    def test_the_report_shows_which_tokens_each_expert_gets(self):
        page = self.shared.run("report", RUN, "--format", "md").stdout
        for part in ("Frequency of the token", "1 (most frequent)", "Tokens that an expert gets most of",
                     "Place in the word"):
            self.assertIn(part, page)
        self.assertNotIn("by class", page, "a text has none")
        self.assertRegex(page, r"Of all tokens [\d.]+ % go to expert 0 mlp, of &quot;")
        self.assertRegex(page, r"«.+»", "a token stands in the text around it")

    def test_a_line_tells_bits_for_each_character_and_tokens_for_each_second(self):
        self.assertRegex(self.trained.stderr, r"valid [\d.]+ %  loss [\d.]+  bits/char [\d.]+  k 2\.00")
        self.assertRegex(self.trained.stderr, r"[\d,]+ tok/s")
        lines = [line for line in metrics(self.shared.path(RUN)) if line["kind"] == "valid"]
        # Two sentences of 48 characters, over and over: what comes next is nearly always certain.
        self.assertLess(lines[-1]["loss"], 0.5)

    def test_it_goes_on_with_a_prompt(self):
        text = self.writes("--tokens", "60", "--temperature", "0")
        self.assertTrue(text.startswith("the "))
        self.assertEqual(len(text.rstrip("\n")), 64 - (1 if text.endswith("\n\n") else 0))
        self.assertRegex(text, r"(cat|dog|mat|log)")

    def test_equal_seeds_write_equal_texts(self):
        words = ("--tokens", "80", "--temperature", "1.5")
        self.assertEqual(self.writes(*words, "--seed", "3"), self.writes(*words, "--seed", "3"))
        self.assertNotEqual(self.writes(*words, "--seed", "3"), self.writes(*words, "--seed", "4"))

    def test_the_experts_of_a_text_can_be_seen_and_their_number_chosen(self):
        text = self.writes("--tokens", "40", "--trace-experts")
        self.assertRegex(text, r"\[\d\]")
        self.assertRegex(text, r"first expert in layer 0: \d mlp \d+ %")
        for k in (1, 4):
            done = self.shared.run("run", RUN, "-p", "the ", "--tokens", "5", "--route-k", str(k))
            self.assertIn(f"9 tokens   k {k}.00", done.stderr)

    def test_it_is_evaluated_and_its_routing_measured_by_token_type(self):
        done = self.shared.run("eval", RUN, "--split", "valid")
        self.assertEqual(done.code, DONE, done.stderr)
        self.assertRegex(done.stdout, r"valid split, [\d,]+ tokens   accuracy [\d.]+ %   loss [\d.]+  bits/char [\d.]+")
        page = (self.shared.path(RUN) / "report.html").read_text()
        self.assertIn("Token types", page)
        self.assertIn("consonant", page)

    def test_a_resumed_run_carries_on_where_it_was_in_the_text(self):
        done = self.shared.run("verify", RUN, "--resume", "--determinism")
        self.assertEqual(done.code, DONE, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"ok +resume")

    def test_its_symbols_can_be_clustered_and_experts_chosen_by_them(self):
        clustered = self.shared.run("data", "cluster", RUN)
        self.assertEqual(clustered.code, DONE, clustered.stderr)
        table = tomllib.loads(clustered.stdout)["model"]["moe"]["router"]["table"]
        self.assertEqual(len(table), len(set(ANIMALS)))
        self.assertEqual(set(table), {0, 1, 2, 3})
        self.program.write("by_cluster.toml", clustered.stdout)
        done = self.succeeds("train", "by_cluster.toml", "--out", RUN, "--set", "train.epochs=1")
        self.assertRegex(done.stderr, r"k 1\.00")
        for text, code, says in (
            (clustered.stdout.replace("table = [0", "table = [4"), USAGE, "table: expected experts below num_experts = 4, got 4"),
            (clustered.stdout.replace("table = [0", "table = [x"), USAGE, "by_cluster.toml:"),
            (clustered.stdout.replace("table = [0, ", "table = ["), FAILED, "those of table, got"),
        ):
            self.program.write("by_cluster.toml", text)
            self.refuses(code, [says], "train", "by_cluster.toml", "--out", f"refused-{code}-{len(text)}")

    def test_the_published_scripts_flag_for_a_model(self):
        self.assertEqual(
            self.shared.run("eval", "--checkpoint_path", RUN).stdout, self.shared.run("eval", RUN).stdout
        )
        text = self.shared.run("run", "--checkpoint_path", RUN, "-p", "the ", "--tokens", "9")
        self.assertEqual(text.code, DONE, text.stderr)
        self.refuses(USAGE, ["expected a run's folder or a checkpoint's, got none"], "eval")
        self.refuses(USAGE, ["expected one model, got a and --checkpoint_path b"], "run", "a", "--checkpoint_path", "b")

    def test_an_expert_can_be_taken_away_from_a_part_of_the_text(self):
        done = self.shared.run("route", RUN, "valid", "--knockout", "--similarity", "--limit", "7", "--out", "part.safetensors")
        self.assertEqual(done.code, DONE, done.stderr)

    def test_prompts_that_cannot_be_read_are_refused(self):
        for words, code, says in (
            (["-p", ""], USAGE, "expected --prompt"),
            ([], USAGE, "expected --prompt"),
            (["-p", "Zebra"], INPUT, "byte 0: expected one of the"),
            (["--image", "x.png"], USAGE, "is a model of text: expected --prompt"),
            (["-p", "the", "--route-k", "5"], USAGE, "k: expected at most num_experts = 4, got 5"),
            (["-p", "the", "--route-k", "1", "--route-min-p", "0.5"], USAGE, "expected one of --route-k"),
        ):
            done = self.shared.run("run", RUN, *words)
            self.assertEqual(done.code, code, done.stderr)
            self.assertIn(says, done.stderr)

    def test_another_text_with_other_symbols_is_refused(self):
        self.program.write("text.txt", ANIMALS)
        self.succeeds("train", "tiny.toml", "--out", RUN, "--set", "train.epochs=0.1")
        self.program.write("text.txt", ANIMALS.replace("cat", "bat"))
        self.refuses(INPUT, ["vocabulary: expected the", "differ from symbol"], "eval", RUN)

    def test_what_no_model_can_be_trained_on_is_refused(self):
        self.program.write("short.txt", "too short")
        self.program.write("bytes.txt", b"word \xff\n" * 500)
        for flags, code, says in (
            ({"data.path": "short.txt"}, INPUT, "train text: expected at least batch x (length + 1) = 4 x 11 = 44 tokens"),
            ({"data.path": "no.txt"}, INPUT, "no.txt: not found"),
            ({"data.path": "bytes.txt", "data.tokenizer": {"kind": "word"}}, INPUT, "byte 5: expected UTF-8, got 0xff"),
            ({"model.bidirectional": True}, USAGE, "a language model that reads backwards"),
            ({"model.layers": 1}, USAGE, "layers: expected at least 2"),
            ({"model.moe.router": {"kind": "expert_choice"}}, USAGE, "lets later tokens decide about earlier ones"),
            ({"model.moe.router": {"kind": "oracle"}}, USAGE, "a class for each example"),
        ):
            words = []
            for path, value in flags.items():
                text = value if isinstance(value, str) else json.dumps(value)
                words += ["--set", f"{path}={'{ kind = ' + json.dumps(value['kind']) + ' }' if isinstance(value, dict) else text}"]
            done = self.refuses(code, [says], "train", "tiny.toml", "--out", "refused", *words)
            self.assertFalse(self.program.path("refused").exists(), done.stderr)

    def test_a_model_that_sees_the_future_says_so(self):
        flags = ["model.bidirectional=true", "model.compat=port", "model.allow_leak=true", "train.epochs=1"]
        done = self.succeeds("train", "tiny.toml", "--out", RUN, *[word for flag in flags for word in ("--set", flag)])
        self.assertTrue(re.search(r"bits/char [\d.]+  \(sees the future\)", done.stderr), done.stderr)
        refused = self.program.run("run", RUN, "-p", "the")
        self.assertEqual(refused.code, USAGE, refused.stderr)
        self.assertIn("sees no later tokens", refused.stderr)

    def test_words_are_symbols_too(self):
        words = ["--set", 'data.tokenizer={ kind = "word" }', "--set", "data.length=4"]
        done = self.succeeds("train", "tiny.toml", "--out", RUN, *words)
        self.assertRegex(done.stderr, r"perplexity [\d.]+")
        text = self.succeeds("run", RUN, "-p", "the cat", "--tokens", "8", "--temperature", "0").stdout
        self.assertRegex(text, r"^the cat sat on the (mat|log)\.\n")


if __name__ == "__main__":
    unittest.main()
