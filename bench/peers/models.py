#!/usr/bin/env python3
"""Times training steps of small models in eager PyTorch, back to back with heterodyne's steps of the same models.

    bench/peers/install
    .deps/peers/bin/python bench/peers/models.py --heterodyne build/release/heterodyne lstm_lm llama mixtral dmmoe

Both sides train on one random batch over and over, float32: zero the gradients, forward, loss, backward, update. They
take turns, --repeats times. What is compared: the fastest step and the median of all steps. `cnn` has no counterpart and
is timed alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

from dmmoe_eager import Dmmoe


class LstmLm(nn.Module):
    """Two LSTMs of 256, each output added to its input, 10,000 words."""

    def __init__(self, words=10_000, width=256):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.lstms = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(2))
        self.head = nn.Linear(width, words)

    def forward(self, ids):
        x = self.embedding(ids)
        for lstm in self.lstms:
            x = x + lstm(x)[0]
        return self.head(x)


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.w1, self.w3 = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.w2 = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Experts(nn.Module):
    """Two of eight, in the plain way: sort the rows, loop over the experts, add back."""

    def __init__(self, width, hidden, experts=8, k=2):
        super().__init__()
        self.k, self.gate = k, nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(FeedForward(width, hidden) for _ in range(experts))

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        score, chosen = self.gate(flat).topk(self.k, dim=-1)
        weight = score.softmax(-1).flatten()
        order = chosen.flatten().argsort(stable=True)
        token = order.div(self.k, rounding_mode="floor")
        parts = flat[token].split(torch.bincount(chosen.flatten(), minlength=len(self.experts)).tolist())
        answers = [expert(rows) for expert, rows in zip(self.experts, parts) if len(rows)]
        y = torch.zeros_like(flat).index_add(0, token, torch.cat(answers) * weight[order, None])
        return y.view_as(x)


class Block(nn.Module):
    def __init__(self, width, heads, feed_forward):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-5), nn.RMSNorm(width, eps=1e-5)
        self.query, self.key, self.value, self.output = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.feed_forward = feed_forward

    def forward(self, x, cos, sin):
        y = self.norm1(x)
        split = lambda z: z.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        turn = lambda z: z * cos + torch.cat((-z[..., z.shape[-1] // 2 :], z[..., : z.shape[-1] // 2]), -1) * sin
        query, key, value = turn(split(self.query(y))), turn(split(self.key(y))), split(self.value(y))
        y = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.output(y.transpose(1, 2).flatten(2))
        return x + self.feed_forward(self.norm2(x))


class Llama(nn.Module):
    def __init__(self, make_feed_forward, words=8192, width=256, layers=6, heads=8, length=128):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.blocks = nn.ModuleList(Block(width, heads, make_feed_forward(width)) for _ in range(layers))
        self.norm, self.head = nn.RMSNorm(width, eps=1e-5), nn.Linear(width, words, bias=False)
        angle = 10_000.0 ** -(torch.arange(0, width // heads, 2) / (width // heads))
        turn = torch.outer(torch.arange(length), torch.cat((angle, angle)))
        self.register_buffer("cos", turn.cos())
        self.register_buffer("sin", turn.sin())

    def forward(self, ids):
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return self.head(self.norm(x))


class Cnn(nn.Sequential):
    """28 x 28 pixels of one channel."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10),
        )


def text_loss(model, batch):
    ids, labels = batch
    return F.cross_entropy(model(ids).flatten(0, 1), labels.flatten())


def image_loss(model, batch):
    return F.cross_entropy(model(batch[0]), batch[1])


def dmmoe_loss(model, batch):
    logits, balance = model(batch[0])
    return F.cross_entropy(logits, batch[1]) + 0.02 * balance


def text(words, rows, length):
    ids = torch.randint(words, (rows, length + 1))
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def images(channels, size, rows=128):
    return torch.randn(rows, channels, size, size), torch.randint(10, (rows,))


# name: (model, batch, loss, optimizer, heterodyne's configuration)
MODELS = {
    "lstm_lm": (LstmLm, lambda: text(10_000, 32, 50), text_loss, torch.optim.Adam, "bench/configs/lstm_lm.toml"),
    "llama": (
        lambda: Llama(lambda width: FeedForward(width, 688)), lambda: text(8192, 8, 128), text_loss, torch.optim.AdamW,
        "bench/configs/llama.toml",
    ),
    "mixtral": (
        lambda: Llama(lambda width: Experts(width, 344)), lambda: text(8192, 8, 128), text_loss, torch.optim.AdamW,
        "bench/configs/mixtral.toml",
    ),
    "dmmoe": (Dmmoe, lambda: images(3, 32), dmmoe_loss, torch.optim.AdamW, "cifar10/dmmoe"),
    "cnn": (Cnn, lambda: images(1, 28), image_loss, torch.optim.SGD, None),
}


class Eager:
    def __init__(self, name):
        make_model, make_batch, self.loss, optimizer, self.config = MODELS[name]
        torch.manual_seed(1)
        self.model, self.batch, self.seconds = make_model(), make_batch(), []
        self.optimizer = optimizer(self.model.parameters(), lr=1e-3)

    def steps(self, count, warm_up=3):
        for number in range(-warm_up, count):
            begin = time.perf_counter()
            self.optimizer.zero_grad()
            self.loss(self.model, self.batch).backward()
            self.optimizer.step()
            if number >= 0:
                self.seconds.append(time.perf_counter() - begin)


def ours(arguments, config):
    command = [arguments.heterodyne, "bench", "model", config, "--format", "json", "--quiet"]
    command += ["--rounds", str(arguments.steps), "--threads", str(arguments.threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["points"][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(MODELS)}; all by default")
    parser.add_argument("--heterodyne", default="build/release/heterodyne")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in MODELS]
    if unknown:
        sys.exit(f"models.py: expected names of {', '.join(MODELS)}, got {', '.join(unknown)}")
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, load {os.getloadavg()[0]:.2f}", file=sys.stderr)
    rows = []
    for name in arguments.names or MODELS:
        eager, runs = Eager(name), []
        for _ in range(arguments.repeats):
            if eager.config:
                runs.append(ours(arguments, eager.config))
            eager.steps(arguments.steps)
        row = {
            "model": name,
            "eager params": sum(p.numel() for p in eager.model.parameters()),
            "eager min ms": 1e3 * min(eager.seconds), "eager median ms": 1e3 * statistics.median(eager.seconds),
        }
        if runs:
            row["heterodyne params"] = runs[0]["params"]
            row["heterodyne min ms"] = min(run["min_ms"] for run in runs)
            row["heterodyne median ms"] = statistics.median(run["median_ms"] for run in runs)
            row["ours / eager, min"] = row["heterodyne min ms"] / row["eager min ms"]
            row["ours / eager, median"] = row["heterodyne median ms"] / row["eager median ms"]
        rows.append(row)
    if arguments.format == "json":
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        print("   ".join(f"{key} {value:,.2f}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
