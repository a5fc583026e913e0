"""`heterodyne chat`, and `heterodyne route MODEL FILE`: a model of text in use, as a user meets it."""

import unittest

from program import DONE, USAGE, ProgramTest, text_config

TEXT = "User: who sat?\nAssistant: the cat sat.\nUser: where?\nAssistant: on the mat.\n" * 80
CONFIG = text_config(
    """
kind = "llama"
width = 24
layers = 2
heads = 2
[model.moe]
experts = [{ kind = "swiglu", hidden = 24, count = 3 }]
router = { kind = "top_k", k = 2 }
""",
    """
epochs = 20
optimizer = { kind = "adamw", lr = 0.02 }
""",
    length=64,
)


class ChatTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.shared.write("text.txt", TEXT)
        cls.shared.write("tiny.toml", CONFIG)
        cls.shared.write("words.txt", "User: who sat?\n")
        done = cls.shared.run("train", "tiny.toml", "--out", "run", "--quiet", "--data", ".")
        assert done.code == DONE, done.stderr

    def setUp(self) -> None:
        super().setUp()
        self.program = self.shared

    def chats(self, said: str, *words: str):
        path = self.shared.path("said.txt")
        path.write_text(said)
        with open(path, "rb") as stdin:
            return self.succeeds("chat", "run", *words, stdin=stdin)

    def test_it_answers_line_by_line(self):
        done = self.chats("who sat?\n\nwhere?\n/new\nwho sat?\n/quit\nwhere?\n", "--temperature", "0", "--tokens", "40")
        answers = done.stdout.strip().split("\n")
        self.assertEqual(len(answers), 3, done.stdout)
        self.assertEqual(answers[0], answers[2], "a new conversation begins as the first one did")
        self.assertIn("template plain", done.stderr)
        self.assertRegex(done.stderr, r"\d+ tokens   [\d.]+ tokens/s")

    def test_an_answer_may_be_cut(self):
        done = self.chats("who sat?\n", "--tokens", "3")
        self.assertIn("3 tokens", done.stderr)
        self.assertIn("cut: more with --tokens", done.stderr)

    def test_what_is_refused(self):
        self.refuses(USAGE, ["expected one of --route-k"], "chat", "run", "--route-k", "1", "--route-min-p", "0.5")
        self.refuses(USAGE, ["FILE.jinja", "auto", 'nearest: "llama3"'], "chat", "run", "--template", "lama3")

    def test_a_texts_experts_are_shown(self):
        done = self.succeeds("route", "run", "words.txt", "--out", "words.html")
        self.assertRegex(done.stdout, r"\[\d\]")
        self.assertRegex(done.stdout, r"first expert in layer 0: \d swiglu \d+ %")
        page = self.program.path("words.html").read_text()
        self.assertIn("layers.1", page)
        self.assertEqual(page.count("data-first="), len("User: who sat?\n"))
        self.refuses(USAGE, ["expected a name that ends in .html"], "route", "run", "words.txt", "--out", "words.txt")
        self.refuses(USAGE, ["got a text's file"], "route", "run", "words.txt", "--knockout")

    def test_writing_tells_its_speed(self):
        done = self.succeeds("run", "run", "-p", "User:", "--tokens", "5")
        self.assertRegex(done.stderr, r"10 tokens   k 2\.00   [\d.]+ tokens/s")


if __name__ == "__main__":
    unittest.main()
