"""Data sets that are missing or damaged: exit code 3, a line with the file and the byte, and no run folder left."""

import pathlib
import unittest

import image_files
from program import INPUT, USAGE, ProgramTest

CONFIG = """name = "run"
data = {{ kind = "{kind}", batch = 20 }}
model = {{ kind = "mlp", hidden = 8 }}
train = {{ epochs = 1 }}
"""
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
CIFAR = "cifar10/cifar-10-batches-bin"
FIVE = [f"data_batch_{number}.bin" for number in range(1, 6)]


class DataTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.program.path("in")

    def train(self, kind: str) -> list[str]:
        self.program.write("my.toml", CONFIG.format(kind=kind))
        return ["train", "my.toml", "--data", "in"]

    def refuses_data(self, kind: str, *says: str) -> None:
        self.refuses(INPUT, list(says), *self.train(kind))
        self.assertFalse(self.program.path("runs").exists())

    def mnist(self, **counts: int) -> pathlib.Path:
        image_files.write_mnist(self.folder / "mnist", **counts)
        return self.folder / "mnist"

    def change(self, path: pathlib.Path, at: int, new: bytes) -> None:
        contents = bytearray(path.read_bytes())
        contents[at : at + len(new)] = new
        path.write_bytes(contents)

    def test_plain_gzip_and_xz_files_give_the_same_run(self):
        weights = []
        for suffix in image_files.PACK:
            image_files.write_mnist(self.folder / "mnist", suffix=suffix)
            self.succeeds(*self.train("mnist"), "--out", f"run{suffix}")
            weights.append(next(self.program.path(f"run{suffix}").rglob("model.safetensors")).read_bytes())
            for path in self.folder.rglob("*ubyte*"):
                path.unlink()
        self.assertEqual(weights[1:], weights[:1] * 2)

    def test_a_missing_set_says_where_it_was_looked_for_and_how_to_get_it(self):
        for kind, first, says in [
            ("fashion_mnist", IMAGES, "To get it: apt-get install dataset-fashion-mnist"),
            ("mnist", IMAGES, "To get it: the four IDX files"),
            ("cifar10", FIVE[0], "To get it: the binary version"),
        ]:
            if kind == "fashion_mnist" and pathlib.Path("/usr/share/datasets/fashion-mnist").exists():
                continue  # Debian's package puts it where it is looked for
            missing = f"[data.{kind}] {first}: not found (also tried .gz, .xz) in in"
            self.refuses_data(kind, missing, f"in/{kind}, ", f"data/{kind}, ", "/usr/share/datasets", says)

    def test_the_folders_are_searched_in_order(self):
        self.mnist()
        image_files.write_mnist(self.program.path("data/mnist"), train=60)
        image_files.write_mnist(self.program.path("elsewhere/mnist"), train=80)
        words = self.train("mnist")
        self.assertIn("data 110 train / 10 valid", self.succeeds(*words, "--out", "a").stderr)
        elsewhere = {"HETERODYNE_DATA": "elsewhere"}
        self.assertIn("data 70 train / 10 valid", self.succeeds(*words[:2], "--out", "b", env=elsewhere).stderr)
        self.assertIn("data 50 train / 10 valid", self.succeeds(*words[:2], "--out", "c").stderr)

    def test_the_files_of_mnist_are_not_taken_for_fashion_mnist(self):
        self.mnist()
        if pathlib.Path("/usr/share/datasets/fashion-mnist").exists():
            self.skipTest("Fashion-MNIST is installed")
        self.refuses_data("fashion_mnist", "[data.fashion_mnist]", "not found")

    def test_truncated_files_are_refused(self):
        for suffix, says in [
            ("", "byte 16: values: expected 94080 bytes, got 94070"),
            (".gz", "expected more of the gzip stream, got the end of the file"),
            (".xz", "expected more of the xz stream, got the end of the file"),
        ]:
            image_files.write_mnist(self.folder / "mnist", suffix=suffix)
            path = self.folder / "mnist" / (IMAGES + suffix)
            path.write_bytes(path.read_bytes()[:-10])
            self.refuses_data("mnist", f"in/mnist/{path.name}: byte ", says)
            path.unlink()

    def test_damaged_gzip_and_xz_files_are_refused(self):
        for suffix in (".gz", ".xz"):
            image_files.write_mnist(self.folder / "mnist", suffix=suffix)
            path = self.folder / "mnist" / (IMAGES + suffix)
            self.change(path, 5000, b"\x55\xaa\x55\xaa")
            self.refuses_data("mnist", f"in/mnist/{path.name}: byte ", f"damaged {suffix[1:]}")
            path.unlink()

    def test_a_wrong_magic_is_refused(self):
        self.change(self.mnist() / IMAGES, 2, b"\x0d")
        self.refuses_data("mnist", f"in/mnist/{IMAGES}: byte 0: magic: expected 0x00000801", "got 0x00000d03")

    def test_a_file_of_another_shape_is_refused(self):
        folder = self.mnist()
        (folder / IMAGES).write_bytes((folder / LABELS).read_bytes())
        self.refuses_data("mnist", f"in/mnist/{IMAGES}: byte 3: dimensions: expected 3, got 1")
        (folder / IMAGES).write_bytes(image_files.idx([120, 14, 56], bytes(120 * 14 * 56)))
        self.refuses_data("mnist", f"in/mnist/{IMAGES}: byte 8: image size: expected 28 x 28, got 14 x 56")

    def test_a_label_out_of_range_is_refused(self):
        self.change(self.mnist() / LABELS, 8 + 22, b"\x0b")
        self.refuses_data("mnist", f"in/mnist/{LABELS}: byte 30: label: expected 0 .. 9, got 11")

    def test_counts_that_differ_are_refused(self):
        (self.mnist() / LABELS).write_bytes(image_files.idx([119], bytes(119)))
        self.refuses_data("mnist", f"in/mnist/{LABELS}: byte 4: count: expected 120 labels", "got 119")

    def test_damaged_test_files_are_found_when_they_are_needed(self):
        (self.mnist() / "t10k-labels-idx1-ubyte").write_bytes(b"\x00")
        self.succeeds(*self.train("mnist"))
        says = ["in/mnist/t10k-labels-idx1-ubyte: byte 1: expected a magic of 4 bytes, got 1"]
        self.refuses(INPUT, says, "eval", "runs/run", "--data", "in")

    def test_fewer_images_than_a_batch_are_refused(self):
        for count in (0, 10):
            self.mnist(train=count)
            says = f"[data.mnist] batch: expected at most the {count} training examples, got 20"
            self.refuses(USAGE, [says], *self.train("mnist"))
        self.assertFalse(self.program.path("runs").exists())

    def test_cifar10_reads_plain_gzip_and_xz_batches_together(self):
        names = [*FIVE[:3], FIVE[3] + ".gz", FIVE[4] + ".xz", "test_batch.bin.gz"]
        image_files.write_cifar10(self.folder / CIFAR, names)
        self.assertIn("data 180 train / 20 valid", self.succeeds(*self.train("cifar10")).stderr)
        self.assertIn("test split, 40 examples", self.succeeds("eval", "runs/run", "--data", "in").stdout)

    def test_fewer_batches_of_cifar10_need_a_word_of_consent(self):
        image_files.write_cifar10(self.folder / CIFAR, FIVE[:4])
        missing = "[data.cifar10] data_batch_5.bin: not found (also tried .gz, .xz); "
        consent = "--set data.allow_partial=true"
        self.refuses_data("cifar10", missing + "40,000 of 50,000 training images present", consent)
        done = self.succeeds(*self.train("cifar10"), *consent.split())
        self.assertIn(f"note: {missing}going on with 160 of 50,000 training images\n", done.stderr)

    def test_damaged_batches_of_cifar10_are_refused(self):
        image_files.write_cifar10(self.folder / CIFAR, FIVE)
        path = self.folder / CIFAR / FIVE[1]
        self.change(path, 3073 * 7, b"\x0a")
        self.refuses_data("cifar10", f"{FIVE[1]}: byte 21511: label of record 7: expected 0 .. 9, got 10")
        path.write_bytes(path.read_bytes()[:-1])
        self.refuses_data("cifar10", f"{FIVE[1]}: byte 119847: expected whole records of 3,073 bytes, got 122,919")


if __name__ == "__main__":
    unittest.main()
