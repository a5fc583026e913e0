#!/usr/bin/env python3
"""How good are the plans of `heterodyne convert partition` beside those of an exact solver of mixed integer programs?

    bench/peers/install
    .deps/peers/bin/python bench/peers/partition_milp.py --heterodyne build/release/heterodyne 12x3x3 128x8x8

Each shape is modules x experts x domains of HEMoE's partition (heterodyne/convert/module_program.h): sizes of experts
within a ratio of 4, at most two experts for a domain. Scores are drawn, log-normal, or those that `heterodyne convert
score` wrote (--scores, whose neighbouring neurons are taken together until there are as many as modules). They are
handed to heterodyne as scores of a tiny LLaMA that has one neuron for each module, so that a layer is an instance; what
comes back is its map, whose value is computed here. HiGHS solves the same program on one thread until it is proven or
--seconds of processor time are over, in one or several forms:

    compact   u[e,t] <= sum_i S[i,t] x[i,e],  u[e,t] <= B[t] y[e,t],  maximise sum u;  B: the largest sum that an
              expert can have
    ordered   the same, and experts are in order of size: of plans that differ in their numbering one is enough,
              which helps to prove
    tight     z[i,e,t] <= x[i,e],  z[i,e,t] <= y[e,t],  maximise sum S[i,t] z[i,e,t]

Seconds of heterodyne are those of the whole command, loading the model and grouping its neurons included, divided by
the number of layers. Ends with code 1 when a plan of HiGHS is better than heterodyne's.
"""

import argparse
import json
import math
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import highspy
import numpy
import torch
from safetensors.torch import load_file, save_file

import random_llama

RATIO, COHERENCE = 4.0, 2.0
TOLERANCE = 1e-6  # of HiGHS's sums


class Program:
    """One instance: S [M, D], bounds of an expert's modules, how many experts serve a domain."""

    def __init__(self, score_MD: numpy.ndarray, experts: int):
        self.score_MD, self.E = score_MD, experts
        self.M, self.D = score_MD.shape
        mean, root = self.M // experts, math.sqrt(RATIO)
        self.least, self.most = max(round(mean / root), 1), round(mean * root)
        self.overlap = max(round(experts // self.D * COHERENCE), 1)


class Model:
    """Columns and rows for HiGHS, one after the other."""

    def __init__(self):
        self.upper, self.cost, self.is_whole = [], [], []
        self.rows = []  # lower, upper, columns, factors

    def columns(self, count: int, upper, cost, is_whole: bool) -> numpy.ndarray:
        first = len(self.upper)
        self.upper += list(numpy.broadcast_to(upper, count))
        self.cost += list(numpy.broadcast_to(cost, count))
        self.is_whole += [is_whole] * count
        return numpy.arange(first, first + count)

    def row(self, lower: float, upper: float, columns, factors=1.0) -> None:
        self.rows.append((lower, upper, list(columns), list(numpy.broadcast_to(factors, len(columns)))))

    def highs(self) -> highspy.Highs:
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("mip_rel_gap", 0.0)
        count = len(self.upper)
        empty = numpy.array([], dtype=numpy.int32)
        solver.addCols(count, numpy.array(self.cost, dtype=float), numpy.zeros(count), numpy.array(self.upper, dtype=float),
                       0, empty, empty, numpy.array([], dtype=float))
        whole = numpy.flatnonzero(self.is_whole).astype(numpy.int32)
        solver.setInteger(whole)
        lower, upper, columns, factors = zip(*self.rows)
        starts = numpy.cumsum([0] + [len(c) for c in columns])[:-1].astype(numpy.int32)
        solver.addRows(len(self.rows), numpy.array(lower, dtype=float), numpy.array(upper, dtype=float),
                       sum(map(len, columns)), starts, numpy.concatenate(columns).astype(numpy.int32),
                       numpy.concatenate(factors).astype(float))
        solver.setMaximize()
        return solver


def model_of(program: Program, form: str, expert_M=None) -> Model:
    """The program; with `expert_M` given its modules stay where they are."""
    M, E, D, score = program.M, program.E, program.D, program.score_MD
    infinity = highspy.kHighsInf
    model = Model()
    x = model.columns(M * E, 1.0, 0.0, True).reshape(M, E)
    y = model.columns(E * D, 1.0, 0.0, True).reshape(E, D)
    for i in range(M):
        model.row(1, 1, x[i])
        if expert_M is not None:
            model.row(1, 1, [x[i, expert_M[i]]])
    for e in range(E):
        model.row(program.least, program.most, x[:, e])
        model.row(1, infinity, y[e])
        if e > 0 and form == "ordered":
            model.row(0, infinity, numpy.concatenate([x[:, e - 1], x[:, e]]), [1.0] * M + [-1.0] * M)
    for t in range(D):
        model.row(0, program.overlap, y[:, t])
    if form != "tight":
        most_D = numpy.sort(score, axis=0)[::-1][: program.most].sum(0)
        u = model.columns(E * D, infinity, 1.0, False).reshape(E, D)
        for e in range(E):
            for t in range(D):
                model.row(-infinity, 0, [u[e, t], *x[:, e]], [1.0, *-score[:, t]])
                model.row(-infinity, 0, [u[e, t], y[e, t]], [1.0, -most_D[t]])
    else:
        z = model.columns(M * E * D, 1.0, numpy.broadcast_to(score[:, None], (M, E, D)).ravel(), False)
        z = z.reshape(M, E, D)
        for i in range(M):
            for e in range(E):
                for t in range(D):
                    model.row(-infinity, 0, [z[i, e, t], x[i, e]], [1.0, -1.0])
                    model.row(-infinity, 0, [z[i, e, t], y[e, t]], [1.0, -1.0])
    return model


def solve(program: Program, form: str, seconds: float) -> dict:
    solver = model_of(program, form).highs()
    solver.HandleUserInterrupt = True
    begin = time.process_time()
    solver.startSolve()
    is_over = False
    while not solver.wait(0.1)[0]:
        if not is_over and time.process_time() - begin > seconds:
            solver.cancelSolve()
            is_over = True
    took = time.process_time() - begin
    info = solver.getInfo()
    is_proven = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    has_plan = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    objective = info.objective_function_value if has_plan else -math.inf
    return {"objective": objective, "bound": info.mip_dual_bound, "seconds": took, "is_proven": is_proven}


def worth_of(program: Program, expert_M: list[int]) -> float:
    """What a placement of the modules gains with the best experts for each domain. Stops when a size is out of bounds."""
    sizes = numpy.bincount(expert_M, minlength=program.E)
    if sizes.min() < program.least or sizes.max() > program.most:
        sys.exit(f"partition_milp.py: sizes: expected {program.least} .. {program.most}, got {sizes.tolist()}")
    solver = model_of(program, "compact", expert_M).highs()
    solver.solve()
    return solver.getInfo().objective_function_value


def scores_of(arguments, modules: int, domains: int) -> torch.Tensor:
    """float64 [layers, M, D], as `heterodyne convert score` writes them."""
    if not arguments.scores:
        torch.manual_seed(arguments.seed)
        return torch.randn(arguments.layers, modules, domains, dtype=torch.float64).exp()
    score_LFD = load_file(arguments.scores)["score_LFD"]
    layers, neurons, found = score_LFD.shape
    if found != domains or neurons % modules != 0:
        sys.exit(f"partition_milp.py: {arguments.scores}: expected {domains} domains and a multiple of {modules} neurons, "
                 f"got {found} and {neurons}")
    return score_LFD.view(layers, modules, -1, domains).sum(2)[: arguments.layers].contiguous()


def levels_of(score_LMD: torch.Tensor) -> torch.Tensor:
    """What partitions add up: see heterodyne/convert/partitioner.h."""
    level_LMD = score_LMD.log1p()
    return level_LMD / level_LMD.flatten(0, 1).norm(dim=0)


def run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"partition_milp.py: {' '.join(words)}: {done.stderr.strip()}")


def ours(program: str, score_LMD: torch.Tensor, experts: int) -> tuple[list[list[int]], float]:
    """The expert of each module, for each layer, and seconds of processor time for a layer."""
    layers, modules, _ = score_LMD.shape
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        config = random_llama.SHARED | {
            "vocab_size": 64, "bos_token_id": 0, "hidden_size": 32, "intermediate_size": modules, "head_dim": 16,
            "num_hidden_layers": layers, "num_attention_heads": 2, "num_key_value_heads": 2, "torch_dtype": "float32",
        }
        (folder / "hf").mkdir()
        (folder / "hf" / "config.json").write_text(json.dumps(config))
        torch.manual_seed(1)
        values = {name: torch.randn(shape) for name, shape in random_llama.tensors_of(config)}
        save_file(values, folder / "hf" / "model.safetensors", metadata={"format": "pt"})
        run(program, "import", str(folder / "hf"), str(folder / "dense"))
        (folder / "parts").mkdir()
        save_file({"score_LFD": score_LMD}, folder / "parts" / "scores.safetensors")
        (folder / "parts.toml").write_text(
            f'model = "{folder}/dense"\nout = "{folder}/parts"\nexperts = {experts}\n'
            f'partition = {{ kind = "hemoe", modules = {modules}, ratio = {RATIO}, coherence = {COHERENCE} }}\n'
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(program, "convert", "partition", str(folder / "parts.toml"), "--threads", "1")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        maps = [(folder / "parts" / "maps" / f"{layer}.part.{experts}").read_text().split() for layer in range(layers)]
        return [[int(expert) for expert in lines] for lines in maps], seconds / layers


def compare(arguments, shape: str) -> bool:
    """Prints a line for each solver and layer; whether heterodyne's plans are as good as HiGHS's."""
    M, E, D = (int(part) for part in shape.split("x"))
    score_LMD = scores_of(arguments, M, D)
    plans, seconds = ours(arguments.heterodyne, score_LMD, E)
    is_as_good = True
    for layer, expert_M in enumerate(plans):
        program = Program(levels_of(score_LMD)[layer].numpy(), E)
        worth = worth_of(program, expert_M)
        print(f"{shape:10} {layer:5}  {'heterodyne':15} {worth:12.6f} {'':12} {'':8} {seconds:9.2f}", flush=True)
        for form in arguments.forms:
            found = solve(program, form, arguments.seconds)
            difference = round(found["objective"] / worth - 1, 8) + 0.0  # no minus before a zero
            is_as_good = is_as_good and difference <= TOLERANCE
            gap = found["bound"] / found["objective"] - 1 if found["objective"] > 0 else math.inf
            remark = "proven" if found["is_proven"] else ""
            print(f"{shape:10} {layer:5}  {'HiGHS ' + form:15} {found['objective']:12.6f} {found['bound']:12.6f} "
                  f"{100 * gap:7.2f}% {found['seconds']:9.2f}  {100 * difference:+.3f} % beside ours  {remark}", flush=True)
    return is_as_good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", default=["12x3x3", "128x8x8"], metavar="MxExD")
    parser.add_argument("--heterodyne", default="build/release/heterodyne", metavar="PROGRAM")
    parser.add_argument("--seconds", type=float, default=60, help="of processor time for each program and form")
    parser.add_argument("--forms", nargs="+", choices=("compact", "ordered", "tight"), default=["compact", "ordered"])
    parser.add_argument("--layers", type=int, default=1, help="instances of each shape")
    parser.add_argument("--scores", help="scores.safetensors of a conversion, instead of drawn ones")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for shape in arguments.shapes:
        if len(shape.split("x")) != 3 or not all(part.isdigit() and int(part) > 0 for part in shape.split("x")):
            parser.error(f"shapes: expected modules x experts x domains as in 128x8x8, got {shape}")
    print(f"{'shape':10} {'layer':>5}  {'solver':15} {'objective':>12} {'bound':>12} {'gap':>8} {'seconds':>9}")
    sys.exit(0 if all([compare(arguments, shape) for shape in arguments.shapes]) else 1)


if __name__ == "__main__":
    main()
