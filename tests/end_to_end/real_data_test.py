"""A few steps on real images, where they are: Debian's Fashion-MNIST; MNIST and CIFAR-10 in shared/data beside the
source tree or in $HETERODYNE_DATA."""

import json
import os
import pathlib
import unittest

import program
from program import ProgramTest

NO_DATA = "no data"
FEW_STEPS = {"train.epochs": 0.01, "train.log_every": 1}


def find_data(name: str) -> pathlib.Path | None:
    """The folder that holds the folder of that data set."""
    folders = [parent / "shared/data" for parent in program.SOURCE.parents]
    if "HETERODYNE_DATA" in os.environ:
        folders.append(pathlib.Path(os.environ["HETERODYNE_DATA"]))
    return next((folder for folder in folders if (folder / name).is_dir()), None)


class RealDataTest(ProgramTest):
    def learns(self, said: str, *words: str) -> None:
        """A few steps, and an evaluation on the 10,000 test images."""
        done = self.succeeds("train", *words, "--out", "run")
        self.assertIn(said, done.stderr)
        data = words[words.index("--data") :][:2] if "--data" in words else ()
        evaluation = json.loads(self.succeeds("eval", "run", "--format", "json", *data).stdout)
        self.assertEqual(evaluation["n"], 10000)
        self.assertTrue(0 < evaluation["metrics"]["accuracy"] < 1)

    def test_the_demonstration_learns_from_fashion_mnist(self):
        if not pathlib.Path("/usr/share/datasets/fashion-mnist").is_dir():
            self.skipTest(NO_DATA)
        changes = {"model.width": 16, "model.moe.experts": '[{kind="mlp",hidden=16,count=2},{kind="lstm_cell"}]'}
        words = program.settings(FEW_STEPS | changes)
        self.learns("data 54,000 train / 6,000 valid   batch 128", "demo", *words)

    def test_a_small_network_learns_from_mnist(self):
        folder = find_data("mnist")
        if folder is None:
            self.skipTest(NO_DATA)
        self.program.write("my.toml", 'name = "m"\ndata = { kind = "mnist" }\nmodel = { kind = "mlp", hidden = 32 }\n')
        words = program.settings(FEW_STEPS | {"train.epochs": 0.3})
        self.learns("data 54,000 train / 6,000 valid   batch 128", "my.toml", *words, "--data", str(folder))
        last = [line for line in program.metrics(self.program.path("run")) if line["kind"] == "valid"][-1]
        self.assertGreater(last["accuracy"], 0.7)  # chance is 0.1

    def test_the_published_recipe_learns_from_cifar10(self):
        folder = find_data("cifar10")
        if folder is None:
            self.skipTest(NO_DATA)
        words = program.settings(FEW_STEPS | {"model.width": 16})
        self.learns(" train / ", "cifar10/dmmoe", *words, "--data", str(folder))


if __name__ == "__main__":
    unittest.main()
