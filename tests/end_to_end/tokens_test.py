"""`heterodyne data tokenize` and `train-tokenizer`: texts to ids and back, with a tokenizer that is learned."""

import json
import unittest

from program import ANIMALS, INPUT, USAGE, ProgramTest

TEXTS = ["low lower", "", "caf\u00e9 \U0001f642\n\tx", "<|endoftext|>low"]


class TokensTest(ProgramTest):
    def tokenize(self, lines: list[str], *words: str) -> list:
        path = self.program.write("lines", "".join(line + "\n" for line in lines))
        with open(path, "rb") as stdin:
            line = ["data", "tokenize", "--tokenizer", "my/tokenizer.json", *words]
            return [json.loads(line) for line in self.succeeds(*line, stdin=stdin).stdout.splitlines()]

    def learn(self, *words: str):
        self.program.write("a.txt", "low low low lower lower\n" * 3)
        self.program.write("b.txt", "newest newest widest\n" * 3)
        return self.succeeds("data", "train-tokenizer", "a.txt", "b.txt", "--out", "my/tokenizer.json", *words)

    def setUp(self) -> None:
        super().setUp()
        self.program.path("my").mkdir()

    def test_texts_come_back_through_a_tokenizer_that_was_learned(self):
        self.assertIn("270 symbols", self.learn("--vocab", "270").stderr)
        ids = self.tokenize([json.dumps(text) for text in TEXTS])
        self.assertEqual((ids[1], ids[3][0]), ([], 0))
        self.assertLess(len(ids[0]), len("low lower"))
        self.assertEqual(self.tokenize([json.dumps(row) for row in ids], "--decode"), TEXTS)
        self.assertEqual(self.tokenize([json.dumps(ids[3])], "--decode", "--no-special"), ["low"])

    def test_what_is_learned_depends_on_the_texts_alone(self):
        self.learn()
        first = self.program.path("my/tokenizer.json").read_bytes()
        self.program.path("my/tokenizer.json").unlink()
        self.learn("--threads", "2")
        self.assertEqual(self.program.path("my/tokenizer.json").read_bytes(), first)
        self.refuses(USAGE, ["exists already"], "data", "train-tokenizer", "a.txt", "--out", "my/tokenizer.json")

    def test_a_model_is_trained_on_symbols_that_were_learned(self):
        self.program.write("a.txt", ANIMALS)
        data = '{ kind = "text_lm", path = "a.txt", length = 8, batch = 4, tokenizer = { kind = "bpe", symbols = 280 } }'
        model = '{ kind = "llama", width = 16, layers = 1, heads = 2, dense = { kind = "swiglu", hidden = 16 } }'
        self.program.write("my.toml", f'name = "x"\ndata = {data}\nmodel = {model}\ntrain = {{ epochs = 1 }}\n')
        self.succeeds("train", "my.toml", "--out", "run", "--quiet", "--data", ".")
        text = self.succeeds("run", "run", "-p", "the cat", "--tokens", "5", "--temperature", "0").stdout
        self.assertTrue(text.startswith("the cat"), text)
        rows = json.loads(self.succeeds("eval", "run", "--text", "a.txt", "--format", "json").stdout)
        values = {row["metric"]: row["value"] for row in rows}
        self.assertEqual((values["bytes"], values["words"]), (48 * 60, 12 * 60))
        self.assertLess(values["bits_per_byte"], 4)
        question = {"context": "the cat sat on the", "choices": ["mat.", "qqqq"], "gold": 0}
        self.program.write("my.jsonl", json.dumps(question) + "\n")
        self.assertIn("acc_norm", self.succeeds("eval", "run", "--questions", "my.jsonl").stdout)
        self.program.write("my.jsonl", json.dumps(question) + "\n{}\n")
        self.refuses(INPUT, ["my.jsonl: line 2: context"], "eval", "run", "--questions", "my.jsonl")
        self.refuses(USAGE, ["got both"], "eval", "run", "--questions", "my.jsonl", "--text", "a.txt")
        self.refuses(USAGE, ["--latency has no effect"], "eval", "run", "--questions", "my.jsonl", "--latency")

    def test_lines_and_files_that_are_wrong_are_named(self):
        self.learn()
        line = ["data", "tokenize", "--tokenizer"]
        for text, says in ("5\n", "standard input: line 1: expected text in JSON"), ('"a', "standard input: line 1: byte"):
            with open(self.program.write("lines", text), "rb") as stdin:
                self.refuses(INPUT, [says], *line, "my/tokenizer.json", stdin=stdin)
        self.program.write("broken.json", '{"version": "1.0"}')
        self.refuses(INPUT, ["broken.json: expected a tokenizer.json"], *line, "broken.json")
        self.refuses(INPUT, ["none.json"], *line, "none.json")
        self.refuses(USAGE, ["expected --tokenizer FILE"], "data", "tokenize")
        self.refuses(USAGE, ["vocab", "the action is not train-tokenizer"], *line, "my/tokenizer.json", "--vocab", "300")


if __name__ == "__main__":
    unittest.main()
