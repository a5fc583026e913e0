#!/usr/bin/env python3
"""Times Mixture-of-Experts layers of Python libraries on heterodyne's shapes, back to back with heterodyne's own.

    bench/peers/install
    .deps/peers/bin/python bench/peers/layers.py --heterodyne build/release/heterodyne C1 C2

Peers: Hugging Face transformers' Mixtral experts in each way it has to compute them, a plain layer on
torch.nn.functional.grouped_mm, and a plain dispatcher of one module per expert. All route by themselves; all compute
float32, forward and the gradients of the input and of every weight, which are forgotten before each turn. Both programs
take turns, --repeats times; of each peer the fastest and the median of all its turns count, as of ours. One table, or
JSON with --format json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import tomllib
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def shapes(names):
    """Shapes of equal swiglu experts behind a top-k router, from bench/shapes/."""
    found = {}
    for file in sorted((ROOT / "bench/shapes").glob("*.toml")):
        for shape in tomllib.loads(file.read_text())["shape"]:
            group = shape["experts"][0]
            is_plain = len(shape["experts"]) == 1 and group["kind"] == "swiglu" and "loads" not in shape
            if is_plain and shape.get("rivals", True):
                found[shape["id"]] = {
                    "tokens": shape["tokens"], "width": shape["width"], "hidden": group["hidden"],
                    "experts": group.get("count", 1), "k": shape.get("router", {}).get("k", 2), "set": file.stem,
                }
    unknown = [name for name in names if name not in found]
    if unknown:
        sys.exit(f"layers.py: expected shapes of {', '.join(found)}, got {', '.join(unknown)}")
    return {name: found[name] for name in names or ["C1", "C2", "C3", "C4", "C5"]}


def make_peers(shape, torch):
    """Name -> function from [T, D] to [T, D], with the weights that need a gradient."""
    import torch.nn.functional as F
    from torch import nn

    D, H, E, k = shape["width"], shape["hidden"], shape["experts"], shape["k"]

    class Dispatcher(nn.Module):
        """One module per expert; rows sorted by expert, split, and added back with their weights."""

        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(D, E, bias=False)
            self.w1, self.w3, self.w2 = (
                nn.ModuleList(nn.Linear(a, b, bias=False) for _ in range(E)) for a, b in ((D, H), (D, H), (H, D))
            )

        def forward(self, x):
            score, chosen = self.gate(x).topk(k, dim=-1)
            weight = score.softmax(-1).flatten()
            order = chosen.flatten().argsort(stable=True)
            token = order.div(k, rounding_mode="floor")
            parts = x[token].split(torch.bincount(chosen.flatten(), minlength=E).tolist())
            answers = [
                self.w2[e](F.silu(self.w1[e](rows)) * self.w3[e](rows)) for e, rows in enumerate(parts) if len(rows)
            ]
            return torch.zeros_like(x).index_add(0, token, torch.cat(answers) * weight[order, None])

    class Grouped(nn.Module):
        """Rows sorted by expert and three grouped products."""

        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(D, E, bias=False)
            self.w1, self.w3 = (nn.Parameter(torch.randn(E, D, H) * D**-0.5) for _ in range(2))
            self.w2 = nn.Parameter(torch.randn(E, H, D) * H**-0.5)

        def forward(self, x):
            score, chosen = self.gate(x).topk(k, dim=-1)
            weight = score.softmax(-1)
            order = chosen.flatten().argsort(stable=True)
            ends = torch.bincount(chosen.flatten(), minlength=E).cumsum(0).to(torch.int32)
            rows = x[order.div(k, rounding_mode="floor")]
            product = lambda a, b: F.grouped_mm(a, b, offs=ends)
            answers = product(F.silu(product(rows, self.w1)) * product(rows, self.w3), self.w2)
            return (answers[order.argsort()].view(*chosen.shape, D) * weight[..., None]).sum(1)

    peers = {"torch dispatcher": Dispatcher(), "F.grouped_mm": Grouped()}
    try:
        from transformers import MixtralConfig
        from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock
    except ImportError as error:
        print(f"layers.py: without transformers ({error})", file=sys.stderr)
        return peers
    for way in ("eager", "batched_mm", "grouped_mm"):
        # batched_mm gathers a copy of the weights for every pair.
        if way == "batched_mm" and shape["tokens"] * k * 3 * D * H * 4 > 8e9:
            continue
        config = MixtralConfig(
            hidden_size=D, intermediate_size=H, num_local_experts=E, num_experts_per_tok=k, experts_implementation=way
        )
        block = MixtralSparseMoeBlock(config)
        for parameter in block.parameters():
            nn.init.normal_(parameter, std=D**-0.5)

        def answer(x, block=block):
            out = block(x[None])
            return (out[0] if isinstance(out, tuple) else out)[0]

        answer.parameters = block.parameters
        peers[f"HF {way}"] = answer
    return peers


class Peer:
    def __init__(self, layer, shape, torch):
        self.layer, self.torch = layer, torch
        generator = torch.Generator().manual_seed(1)
        self.x = torch.randn(shape["tokens"], shape["width"], generator=generator)
        self.dy = torch.randn(shape["tokens"], shape["width"], generator=generator)
        self.weights = list(layer.parameters())
        self.seconds = {"forward": [], "forward+backward": []}

    def turn(self, way):
        for tensor in (*self.weights, self.x):
            tensor.grad = None
        self.x.requires_grad_(way != "forward")
        begin = time.perf_counter()
        if way == "forward":
            with self.torch.no_grad():
                self.layer(self.x)
        else:
            self.layer(self.x).backward(self.dy)
        return time.perf_counter() - begin

    def turns(self, rounds, patience):
        """A warm-up, then so many rounds, fewer when they take long."""
        for way, seconds in self.seconds.items():
            self.turn(way)
            begin = time.perf_counter()
            for number in range(rounds):
                seconds.append(self.turn(way))
                if number >= 2 and time.perf_counter() - begin > patience:
                    break


def ours(arguments, name, shape):
    command = [arguments.heterodyne, "bench", "layer", name, "--shapes", shape["set"], "--vs", "dense", "--format", "json"]
    command += ["--rounds", str(arguments.rounds), "--threads", str(arguments.threads), "--quiet"]
    points = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["points"]
    return {
        point["pass"]: {work["name"]: work for work in point["works"]} | {"dense_best": point["dense_best"]}
        for point in points
    }


def measure(arguments, name, shape, torch):
    peers = {peer: Peer(layer, shape, torch) for peer, layer in make_peers(shape, torch).items()}
    runs = []
    for _ in range(arguments.repeats):
        runs.append(ours(arguments, name, shape))
        for peer in peers.values():
            peer.turns(arguments.rounds, arguments.patience)
    rows = []
    for way in ("forward", "forward+backward"):
        layer = [run[way]["layer"] for run in runs]
        mine = {"min": min(w["min_ms"] for w in layer), "median": statistics.median(w["median_ms"] for w in layer)}
        dense = min(run[way][run[way]["dense_best"]]["min_ms"] for run in runs)
        rows.append((name, way, "heterodyne", mine["min"], mine["median"], 1.0))
        rows.append((name, way, "dense-best", dense, None, dense / mine["min"]))
        for peer, timed in peers.items():
            best, middle = 1e3 * min(timed.seconds[way]), 1e3 * statistics.median(timed.seconds[way])
            rows.append((name, way, peer, best, middle, best / mine["min"]))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="ids of shapes; C1 to C5 by default")
    parser.add_argument("--heterodyne", default="build/release/heterodyne")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--patience", type=float, default=5, help="seconds of a peer's turns, for each pass and repeat")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    import torch

    torch.manual_seed(1)
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, load {os.getloadavg()[0]:.2f}", file=sys.stderr)
    rows = [row for name, shape in shapes(arguments.names).items() for row in measure(arguments, name, shape, torch)]
    columns = ("shape", "pass", "what", "min ms", "median ms", "its time / ours")
    if arguments.format == "json":
        print(json.dumps([dict(zip(columns, row)) for row in rows], indent=1))
        return
    print(f"{columns[0]:6} {columns[1]:17} {columns[2]:17} {columns[3]:>10} {columns[4]:>10} {columns[5]:>16}")
    for shape, way, what, best, middle, ratio in rows:
        middle = "" if middle is None else f"{middle:.2f}"
        print(f"{shape:6} {way:17} {what:17} {best:10.2f} {middle:>10} {ratio:15.2f}x")


if __name__ == "__main__":
    main()
