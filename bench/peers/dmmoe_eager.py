#!/usr/bin/env python3
"""DMMoE's published CIFAR-10 model in eager PyTorch, and how quick heterodyne trains the same model beside it.

The model is written from the published description, in the plain style of the original: experts gather their tokens,
the transformer expert runs on the whole batch, answers are scattered back with index_add. Both programs take turns,
so that a machine whose speed drifts treats them alike; images per second and the ratio of each round are printed.

    python bench/peers/dmmoe_eager.py --heterodyne build/release/heterodyne --threads 2 --rounds 5

Needs a Python with torch of the LibTorch version that heterodyne was built with.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch
import torch.nn.functional as F
from torch import nn


class MlpExpert(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.Linear(width, 256), nn.GELU(), nn.Linear(256, width))


class CnnExpert(nn.Module):
    def __init__(self, channels=32, kernel=5):
        super().__init__()
        self.widen = nn.Conv1d(1, channels, kernel, padding=kernel // 2)
        self.narrow = nn.Conv1d(channels, 1, kernel, padding=kernel // 2)

    def forward(self, x):
        return x + self.narrow(F.gelu(self.widen(x.unsqueeze(1)))).squeeze(1)


class VitExpert(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 4, dropout=0.1, batch_first=True)
        self.feed_forward = nn.Sequential(nn.Linear(width, 256), nn.GELU(), nn.Dropout(0.1), nn.Linear(256, width))

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.feed_forward(self.norm2(x))


class RnnExpert(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.cell = nn.LSTMCell(width, width)

    def forward(self, x):
        return self.cell(x)[0]


class DmmoeLayer(nn.Module):
    def __init__(self, width, k=2):
        super().__init__()
        self.k = k
        self.gate = nn.Linear(width, 4, bias=False)
        self.experts = nn.ModuleList([MlpExpert(width), CnnExpert(), VitExpert(width), RnnExpert(width)])

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        logits = self.gate(flat)
        if self.training:
            logits = logits - torch.empty_like(logits).exponential_().log()
        values, chosen = logits.topk(self.k, dim=-1)
        weights = values.softmax(-1)
        y = torch.zeros_like(flat)
        for e, expert in enumerate(self.experts):
            token, slot = (chosen == e).nonzero(as_tuple=True)
            if token.numel() == 0:
                continue
            answer = expert(x).reshape(-1, x.shape[-1])[token] if e == 2 else expert(flat[token])
            y.index_add_(0, token, answer * weights[token, slot].unsqueeze(1))
        share = torch.bincount(chosen.flatten(), minlength=4).float() / flat.shape[0]
        balance = 4 * (share * logits.softmax(-1).mean(0)).sum()
        return x + y.view_as(x), balance


class Dmmoe(nn.Module):
    def __init__(self, width=128, patch=8):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        position = torch.arange(16).unsqueeze(1) * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        self.register_buffer("positions", torch.stack((position.sin(), position.cos()), -1).flatten(1))
        self.dropout = nn.Dropout(0.1)
        self.layer = DmmoeLayer(width)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, images):
        x = self.dropout(self.patches(images).flatten(2).transpose(1, 2) + self.positions)
        x, balance = self.layer(x)
        return self.head(self.norm(x.mean(1))), balance


class Eager:
    """Trains on random images; making them costs nothing of the time that is measured."""

    def __init__(self, batch):
        torch.manual_seed(1)
        self.model = Dmmoe()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, weight_decay=1e-4)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, 1e-3, total_steps=100_000)
        self.images, self.labels = torch.randn(batch, 3, 32, 32), torch.randint(10, (batch,))

    def images_per_second(self, steps):
        begin = time.perf_counter()
        for _ in range(steps):
            self.optimizer.zero_grad()
            logits, balance = self.model(self.images)
            (F.cross_entropy(logits, self.labels) + 0.02 * balance).backward()
            self.optimizer.step()
            self.schedule.step()
        return steps * len(self.labels) / (time.perf_counter() - begin)


def heterodyne_images_per_second(arguments, folder, steps):
    """A whole run of the program, from its own data; the pace is that of its last line of metrics."""
    examples = arguments.batch * steps * 2
    data = ["data.kind=synthetic", f"data={{ kind = \"synthetic\", batch = {arguments.batch}, examples = {examples}, channels = 3, size = 32, validation = 0 }}"]
    command = [arguments.heterodyne, "train", "cifar10/dmmoe", "--out", str(folder), "--threads", str(arguments.threads), "--quiet"]
    for setting in (data[1], "train.epochs=1", f"train.log_every={steps}", "train.checkpoint.every_epochs=0"):
        command += ["--set", setting]
    subprocess.run(command, check=True, capture_output=True)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return lines[-1]["examples_per_s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heterodyne", default="build/release/heterodyne")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    eager = Eager(arguments.batch)
    eager.images_per_second(20)
    print(f"torch {torch.__version__}, {arguments.threads} threads, batch {arguments.batch}, {arguments.steps} steps a round")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.rounds):
            ours = heterodyne_images_per_second(arguments, pathlib.Path(folder) / str(number), arguments.steps)
            theirs = eager.images_per_second(arguments.steps)
            ratios.append(ours / theirs)
            print(f"round {number + 1}: heterodyne {ours:,.0f} img/s   eager {theirs:,.0f} img/s   ratio {ratios[-1]:.3f}")
    print(f"ratio: median {statistics.median(ratios):.3f}, {min(ratios):.3f} .. {max(ratios):.3f}")


if __name__ == "__main__":
    main()
