#!/usr/bin/env python3
"""Whether Hugging Face's libraries read what heterodyne writes, and find the same in it.

    bench/peers/install
    .deps/peers/bin/python bench/peers/exported.py --heterodyne build/release/heterodyne MODEL...

Each MODEL, a run or a checkpoint of a causal language model, is exported; transformers loads the folder and computes
logits for random tokens; `heterodyne import --expect` compares with them. A tokenizer that went along is loaded with
tokenizers, and ids of a few texts are compared. Ends with code 1 when anything differs.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import tokenizers
import torch
import transformers
from safetensors.torch import save_file

TEXTS = ["Once upon a time, there was 1 girl.", "", "caf\u00e9 \U0001f642\n\tx  y", "don't <s> stop"]


def run(program: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([program, *words], input=stdin, capture_output=True, text=True)


def same_logits(program: str, folder: pathlib.Path) -> bool:
    model, loading = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    left_out = {key: names for key, names in loading.items() if names and key != "mismatched_keys"}
    ids = torch.randint(model.config.vocab_size, (4, 24), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits = model.eval()(ids).logits
    save_file({"input_ids": ids, "logits": logits.contiguous()}, folder / "expected")
    done = run(program, "import", str(folder), str(folder / "back"), "--expect", str(folder / "expected"))
    parity = [line for line in done.stdout.splitlines() if line.startswith("parity")]
    print(f"  {type(model).__name__}  {parity[0] if parity else done.stderr.strip()}", *left_out.items())
    return done.returncode == 0 and not left_out


def same_ids(program: str, path: pathlib.Path) -> bool:
    theirs = tokenizers.Tokenizer.from_file(str(path))
    theirs.no_truncation()
    theirs.no_padding()
    lines = "".join(json.dumps(text) + "\n" for text in TEXTS)
    ours = run(program, "data", "tokenize", "--tokenizer", str(path), stdin=lines).stdout.splitlines()
    equal = [json.loads(line) for line in ours] == [theirs.encode(text).ids for text in TEXTS]
    print(f"  tokenizer of {theirs.get_vocab_size():,} symbols  {'equal ids' if equal else 'other ids'}")
    return equal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--heterodyne", default="build/release/heterodyne", metavar="PROGRAM")
    options = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    all_same = True
    for model in options.models:
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "hf"
            done = run(options.heterodyne, "export", model, str(folder))
            print(model)
            if done.returncode != 0:
                print(" ", done.stderr.strip())
                all_same = False
                continue
            all_same = same_logits(options.heterodyne, folder) and all_same
            if (folder / "tokenizer.json").exists():
                all_same = same_ids(options.heterodyne, folder / "tokenizer.json") and all_same
    sys.exit(0 if all_same else 1)


if __name__ == "__main__":
    main()
