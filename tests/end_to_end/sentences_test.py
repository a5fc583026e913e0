"""What the program says when something is wrong, word for word: a user reads it before anything else."""

import re
import struct
import unittest

from program import FAILED, INPUT, USAGE, ProgramTest, small

CONFIG = """name = "mine"
[data]
kind = "synthetic"
[model]
kind = "dmmoe"
[model.moe]
{}
experts = [{{ kind = "mlp" }}, {{ kind = "conv1d" }}, {{ kind = "vit_block" }}, {{ kind = "lstm_cell" }}]
"""


class SentencesTest(ProgramTest):
    def says(self, code: int, sentence: str, *words: str, **options) -> None:
        """The only line of error is this one; a "*" in it stands for anything."""
        done = self.program.run(*words, **options)
        errors = [line for line in done.stderr.splitlines() if line.startswith("heterodyne: error: ")]
        self.assertEqual((done.code, len(errors)), (code, 1), done.stderr)
        pattern = ".*".join(re.escape(part) for part in ("heterodyne: error: " + sentence).split("*"))
        self.assertRegex(errors[0], f"^{pattern}$")

    def check(self, line: str, sentence: str) -> None:
        self.program.write("my.toml", CONFIG.format(line))
        self.says(USAGE, sentence, "config", "check", "my.toml")

    def test_an_unknown_key(self) -> None:
        self.check(
            "expert = 3",
            'my.toml:7:10: [model.moe] unknown key "expert"; nearest: "experts". All keys: heterodyne ls -v network.dmmoe.moe',
        )

    def test_more_choices_than_experts(self) -> None:
        self.check(
            'router = { kind = "top_k", k = 8 }',
            "my.toml:7:32: [model.moe.router] k: expected at most num_experts = 4, got 8",
        )

    def test_a_setting_without_effect(self) -> None:
        self.check(
            'router = { kind = "top_k", noise = "none", noise_scale = 0.5 }',
            'my.toml:7:58: [model.moe.router] noise_scale: has no effect while noise = "none"; remove one of the two',
        )

    def test_flags_that_contradict_each_other(self) -> None:
        words = "--hierarchical --num_experts 8 --num_groups 4 --experts_per_group 3".split()
        self.says(
            USAGE,
            "*[model.moe.router] groups x experts_per_group: expected num_experts = 8, got 4 x 3 = 12 "
            "(set by --hierarchical, --num_groups 4, --experts_per_group 3)",
            *["train", "lm/char", *words],
        )

    def test_a_weight_file_with_a_header_of_a_terabyte(self) -> None:
        self.program.write("model.safetensors", struct.pack("<Q", 1 << 40) + b"{}")
        self.says(
            INPUT,
            "model.safetensors: byte 0: header length: expected at most 104,857,600, got 1,099,511,627,776; "
            "the file is damaged or not safetensors",
            "inspect",
            "model.safetensors",
        )

    def test_a_training_file_that_is_missing(self) -> None:
        for number in range(1, 5):
            self.program.write(f"data/cifar10/data_batch_{number}.bin", bytes(3073 * 10000))
        words = ["train", "cifar10/dmmoe", "--set", "data.allow_partial=false", "--data", "data"]
        self.says(
            INPUT,
            "[data.cifar10] data_batch_5.bin: not found (also tried .gz, .xz); 40,000 of 50,000 training images "
            "present. To train on them: --set data.allow_partial=true",
            *words,
        )

    def test_a_run_that_goes_on_as_another(self) -> None:
        self.succeeds("train", *small(), "--out", "runs/a")
        self.says(
            USAGE,
            "runs/a: cannot resume: model.width was 16 when step 10 was saved, is 32 now. New run: heterodyne "
            "train runs/a/resolved.toml --out DIR with these settings",
            *["train", "--resume", "runs/a", "--set", "model.width=32"],
        )

    def test_a_loss_that_is_no_number(self) -> None:
        wild = {"train.optimizer.lr": 1e30, "train.checkpoint.every_steps": 1, "train.schedule": "constant"}
        self.says(
            FAILED,
            "step *: *. Last good checkpoint: step *. Next: a smaller train.optimizer.lr, or train.optimizer.clip_norm",
            *["train", *small(wild), "--out", "a"],
        )

    def test_a_folder_that_is_taken(self) -> None:
        self.succeeds("train", *small(), "--out", "runs/a")
        self.says(
            USAGE,
            "runs/a: expected a new folder, it exists. Go on with it: heterodyne train --resume runs/a. "
            "Another folder: --out DIR. Another name: --set name=NAME",
            *["train", *small(), "--out", "runs/a"],
        )


if __name__ == "__main__":
    unittest.main()
