"""A trained model and a picture of one's own: what `run --image` says, and what it refuses."""

import csv
import io
import json
import unittest

from program import DONE, INPUT, USAGE, ProgramTest

RUN = "run"
CONFIG = """
name = "digits"
data = { kind = "mnist", batch = 50 }
[model]
kind = "mlp"
hidden = []
[model.moe]
combine = "log_mixture"
router = { kind = "top_k", k = 2 }
experts = [{ kind = "classifier", hidden = 16, count = 3 }]
[train]
epochs = 1
"""


def picture(width: int, height: int, level: int = 200) -> bytes:
    """A PPM file with a bright square in the middle."""
    middle = lambda i, size: size // 4 <= i < 3 * size // 4  # noqa: E731
    pixels = [level if middle(x, width) and middle(y, height) else 0 for y in range(height) for x in range(width)]
    return b"P6\n%d %d\n255\n" % (width, height) + bytes(value for pixel in pixels for value in (pixel,) * 3)


class ImageTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = cls.shared_program()
        cls.shared.write("digits.toml", CONFIG)
        for words in (("data", "synth", "mnist", "--limit", "400"), ("train", "digits.toml", "--out", RUN)):
            done = cls.shared.run(*words)
            assert done.code == DONE, done.stderr
        cls.shared.write("square.ppm", picture(28, 28))
        cls.shared.write("large.ppm", picture(56, 42))

    def probabilities(self, *words: str) -> dict[str, float]:
        done = self.shared.run("run", *words, "--format", "csv")
        self.assertEqual(done.code, DONE, done.stderr)
        return {row["class"]: float(row["probability"]) for row in csv.DictReader(io.StringIO(done.stdout))}

    def test_it_gives_every_class_a_probability_the_best_first(self):
        found = self.probabilities(RUN, "--image", "square.ppm")
        self.assertEqual(sorted(found), [str(digit) for digit in range(10)])
        self.assertAlmostEqual(sum(found.values()), 1, delta=0.001)
        self.assertEqual(list(found.values()), sorted(found.values(), reverse=True))
        as_json = json.loads(self.shared.run("run", RUN, "--image", "square.ppm", "--format", "json").stdout)
        self.assertEqual({str(row["class"]): row["probability"] for row in as_json}, found)

    def test_the_published_flag_and_other_numbers_of_experts(self):
        whole = self.probabilities(RUN, "--image", "square.ppm")
        self.assertEqual(self.probabilities("--checkpoint_path", RUN, "--image", "square.ppm"), whole)
        self.assertEqual(self.probabilities(RUN, "--image", "square.ppm", "--route-k", "2"), whole)
        self.assertNotEqual(self.probabilities(RUN, "--image", "square.ppm", "--route-k", "1"), whole)

    def test_a_picture_of_another_size_is_scaled_and_that_is_said(self):
        done = self.shared.run("run", RUN, "--image", "large.ppm")
        self.assertEqual(done.code, DONE, done.stderr)
        self.assertIn("note: 56 x 42 pixels are scaled to 28 x 28", done.stderr)

    def test_a_picture_is_cut_as_the_data_set_cuts_its_own(self):
        wide = lambda rows: b"P6\n%d %d\n255\n" % (len(rows[0]), len(rows)) + bytes(v for row in rows for p in row for v in p)  # noqa: E731
        pixels = [[((7 * x + 31 * y) % 256, 9 * x % 256, 40 * y % 256) for x in range(24)] for y in range(8)]
        for kind in ("a", "b"):
            for i in range(4):
                self.shared.write(f"pictures/{kind}/{i}.ppm", wide(pixels if kind == "a" else pixels[::-1]))
        self.shared.write("folder.toml", """
name = "folder"
data = { kind = "image_folder", path = "pictures", test_path = "pictures", classes = ["a", "b"], size = 8, fit = "crop", batch = 4, validation = 0.25 }
model = { kind = "mlp", hidden = [16] }
train.epochs = 3
""")
        done = self.shared.run("train", "folder.toml", "--out", "folder", "--data", ".")
        self.assertEqual(done.code, DONE, done.stderr)
        self.shared.write("wide.ppm", wide(pixels))
        self.shared.write("middle.ppm", wide([row[8:16] for row in pixels]))
        cut = self.probabilities("folder", "--image", "wide.ppm", "--data", ".")
        self.assertEqual(cut, self.probabilities("folder", "--image", "middle.ppm", "--data", "."))

    def test_what_is_no_picture_and_a_prompt_are_refused(self):
        self.shared.write("broken.ppm", picture(28, 28)[:40])
        for words, code, says in (
            (["--image", "broken.ppm"], INPUT, "broken.ppm"),
            (["--image", "missing.png"], INPUT, "missing.png"),
            (["-p", "a text"], USAGE, "is a model of images: expected --image"),
            ([], USAGE, "expected --image"),
            (["--image", "square.ppm", "--route-k", "4"], USAGE, "k: expected at most num_experts = 3, got 4"),
        ):
            done = self.shared.run("run", RUN, *words)
            self.assertEqual(done.code, code, done.stderr)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
