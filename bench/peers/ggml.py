#!/usr/bin/env python3
"""Times ggml (llama.cpp) on a language model of heterodyne's, back to back with heterodyne itself, on the same weights.

    bench/peers/ggml.py MODEL --heterodyne build/release/heterodyne --llama-cpp ~/llama.cpp
    bench/peers/ggml.py MODEL --llama-cpp ~/llama.cpp --gguf q8_0=model-q8_0.gguf

MODEL is a run's folder or a checkpoint's. --llama-cpp is a built llama.cpp of April 2025 or later: its llama-bench is
looked for in the folder, in bin and in build/bin. Without it the Python package llama_cpp is used where there is one;
without either nothing is timed, which is no error. For each form the weights are those of --gguf, or else the model is
written by `heterodyne export` in the form of Hugging Face and made a GGUF file by llama.cpp's convert_hf_to_gguf.py, which
needs what its own requirements say (--python chooses the Python that runs it) and a tokenizer that it knows.

Both read a prompt at once and go on from there token by token, as many as `heterodyne bench decode` says, on the same
number of threads and no accelerator. The programs take turns, --repeats times; a turn's speed is its median; ratios are of
turns that followed one another. ggml keeps keys and values in float16, heterodyne in float32.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

OURS = {"f32": "float32", "f16": "bf16", "bf16": "bf16", "q8_0": "int8"}  # what is nearest
PASSES = ("prefill", "decode")


def stop(text: str) -> None:
    sys.exit(f"ggml.py: {text}")


def output_of(*words) -> str:
    words = [str(word) for word in words]
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except OSError as error:
        stop(f"{words[0]}: {error.strerror}")
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        stop(f"{' '.join(words)}: exit {done.returncode}: {said[-1] if said else 'no message'}")
    return done.stdout


def samples_of(text: str) -> dict[str, list[float]]:
    """Tokens/s of each repetition by pass, from what `llama-bench -o json` prints."""
    try:
        tests = json.loads(text)
        found = {}
        for test in tests:
            if test["n_prompt"] > 0 and test["n_gen"] == 0:
                found["prefill"] = [float(rate) for rate in test["samples_ts"]]
            elif test["n_gen"] > 0 and test["n_prompt"] == 0:
                found["decode"] = [float(rate) for rate in test["samples_ts"]]
    except (ValueError, TypeError, KeyError) as error:
        stop(f"llama-bench: expected a JSON list of tests with n_prompt, n_gen and samples_ts, got {error!r}")
    if not found or not all(found.values()):
        stop("llama-bench: expected a test of a prompt or of new tokens, got none")
    return found


class Program:
    """llama-bench."""

    def __init__(self, path: pathlib.Path, threads: int):
        self.path, self.threads = path, threads

    def turn(self, gguf: str, prompt: int, made: int, rounds: int) -> dict[str, list[float]]:
        shared = ["-m", gguf, "-r", rounds, "-t", self.threads, "-ngl", 0, "-o", "json"]
        return {
            **samples_of(output_of(self.path, *shared, "-p", prompt, "-n", 0)),
            **samples_of(output_of(self.path, *shared, "-p", 0, "-n", made, "-d", prompt)),
        }


class Package:
    """The Python package llama_cpp."""

    def __init__(self, threads: int):
        self.threads, self.loaded = threads, {}

    def turn(self, gguf: str, prompt: int, made: int, rounds: int) -> dict[str, list[float]]:
        if gguf not in self.loaded:
            import llama_cpp

            self.loaded[gguf] = llama_cpp.Llama(
                model_path=gguf, n_ctx=prompt + made + 1, n_batch=prompt, n_threads=self.threads,
                n_threads_batch=self.threads, n_gpu_layers=0, verbose=False,
            )
        model = self.loaded[gguf]
        draw = random.Random(1)
        ids = [draw.randrange(model.n_vocab()) for _ in range(prompt + made)]
        found = {name: [] for name in PASSES}
        for round_number in range(rounds + 1):
            model.reset()
            begin = time.perf_counter()
            model.eval(ids[:prompt])
            middle = time.perf_counter()
            for token in ids[prompt:]:
                model.eval([token])
            end = time.perf_counter()
            if round_number > 0:  # the first warms up
                found["prefill"].append(prompt / (middle - begin))
                found["decode"].append(made / (end - middle))
        return found


def ggml_of(arguments):
    """What runs ggml, or nothing."""
    if arguments.llama_cpp:
        for folder in ("", "bin", "build/bin"):
            path = (arguments.llama_cpp / folder / "llama-bench").resolve()
            if os.access(path, os.X_OK) and path.is_file():
                return Program(path, arguments.threads)
        stop(f"--llama-cpp: expected llama-bench in {arguments.llama_cpp}, its bin or build/bin, got none")
    if importlib.util.find_spec("llama_cpp"):
        return Package(arguments.threads)
    return None


def given_files(arguments) -> dict[str, str]:
    files = {}
    for word in arguments.gguf:
        form, _, path = word.partition("=")
        if form not in OURS or not path:
            stop(f"--gguf: expected FORM=FILE with a form of {', '.join(OURS)}, got {word}")
        if not pathlib.Path(path).is_file():
            stop(f"--gguf: {path}: no such file")
        files[form] = path
    return files


def converted(arguments, forms: list[str], scratch: pathlib.Path) -> dict[str, str]:
    """A GGUF file of the model in each form."""
    if not forms:
        return {}
    script = arguments.convert or (arguments.llama_cpp and arguments.llama_cpp / "convert_hf_to_gguf.py")
    if not script or not script.is_file():
        stop(f"expected --gguf FORM=FILE for {', '.join(forms)}, or llama.cpp's convert_hf_to_gguf.py (--convert)")
    output_of(arguments.heterodyne, "export", arguments.model, scratch / "hf", "--quiet")
    files = {}
    for form in forms:
        files[form] = str(scratch / f"{form}.gguf")
        output_of(arguments.python, script, scratch / "hf", "--outtype", form, "--outfile", files[form])
    return files


def our_turn(arguments) -> dict:
    """Weights -> pass -> tokens/s; and the numbers of tokens."""
    points = json.loads(output_of(
        arguments.heterodyne, "bench", "decode", arguments.model, "--rounds", arguments.rounds, "--threads",
        arguments.threads, "--format", "json", "--quiet",
    ))["points"]
    rates = {
        point["weights"]: {"prefill": point["prompt_tokens_per_s"], "decode": point["made_tokens_per_s"]}
        for point in points
    }
    return {"rates": rates, "prompt": points[0]["prompt"], "made": points[0]["made"]}


def measure(arguments, ggml, files: dict[str, str]) -> list[dict]:
    ours, theirs = [], {form: [] for form in files}
    for number in range(arguments.repeats):
        print(f"turn {number + 1} of {arguments.repeats}", file=sys.stderr)
        ours.append(our_turn(arguments))
        for form, path in files.items():
            samples = ggml.turn(path, ours[-1]["prompt"], ours[-1]["made"], arguments.rounds)
            theirs[form].append({name: statistics.median(samples[name]) for name in PASSES})
    rows = []
    for form in files:
        for name in PASSES:
            mine = [turn["rates"][OURS[form]][name] for turn in ours]
            other = [turn[name] for turn in theirs[form]]
            rows.append({
                "form": form, "ours": OURS[form], "pass": name, "tokens": ours[0]["prompt" if name == "prefill" else "made"],
                "ggml tokens/s": statistics.median(other), "our tokens/s": statistics.median(mine),
                "ours / ggml": statistics.median(a / b for a, b in zip(mine, other)),
            })
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--heterodyne", default="build/release/heterodyne", metavar="PROGRAM")
    parser.add_argument("--llama-cpp", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--convert", type=pathlib.Path, metavar="SCRIPT", help="convert_hf_to_gguf.py, where it lies elsewhere")
    parser.add_argument("--python", default=sys.executable, help="what runs that script")
    parser.add_argument("--gguf", action="append", default=[], metavar="FORM=FILE", help="the model in a form, ready made")
    parser.add_argument("--forms", nargs="+", choices=tuple(OURS), help="f32, bf16 and q8_0, or those of --gguf, by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    ggml = ggml_of(arguments)
    if ggml is None:
        print("skipped: no ggml given (--llama-cpp FOLDER, or the Python package llama_cpp)")
        return
    files = given_files(arguments)
    forms = arguments.forms or list(files) or ["f32", "bf16", "q8_0"]
    with tempfile.TemporaryDirectory() as scratch:
        files |= converted(arguments, [form for form in forms if form not in files], pathlib.Path(scratch))
        rows = measure(arguments, ggml, {form: files[form] for form in forms})
    if arguments.format == "json":
        print(json.dumps(rows, indent=1))
        return
    print(f"{'form':6} {'ours':8} {'pass':8} {'tokens':>6} {'ggml tokens/s':>14} {'our tokens/s':>13} {'ours / ggml':>12}")
    for row in rows:
        print(f"{row['form']:6} {row['ours']:8} {row['pass']:8} {row['tokens']:6} {row['ggml tokens/s']:14.1f} "
              f"{row['our tokens/s']:13.1f} {row['ours / ggml']:11.2f}x")


if __name__ == "__main__":
    main()
