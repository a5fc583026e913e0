"""Every way to divide a dense LLaMA, on texts of five kinds: trains a small one, converts it, tunes it shortly, and says
how much of its perplexity is kept at how many active neurons.

    python3 bench/studies/conversion.py FOLDER --program build/release/heterodyne --data DATA [--seed N]

FOLDER keeps all runs; what is done is not done again. DATA holds lm_text, ag_news_csv, imdb and instruct, as docs/data.md
describes them. Active neurons are counted: the widths of the experts that each test token really went to.
"""

import argparse
import array
import csv
import io
import json
import lzma
import pathlib
import re
import struct
import subprocess

DOMAINS = ["news", "reviews", "plays", "encyclopedia", "instructions"]
TRAIN, TEST, TURN, TUNE = 1_000_000, 60_000, 2_000, 1_000_000  # characters: of each domain; in turns; of all for tuning
METHODS = {  # partition, router_init
    "hemoe": ({"kind": "hemoe", "modules": 86, "ratio": 4, "coherence": 2}, "random"),
    "random_heterogeneous": ({"kind": "random_heterogeneous", "modules": 86, "ratio": 4, "coherence": 2}, "random"),
    "random_homogeneous": ({"kind": "random_homogeneous"}, "random"),
    "moefication": ({"kind": "moefication"}, "random"),
    "moebert": ({"kind": "moebert"}, "random"),
    "emoe": ({"kind": "emoe"}, "keys"),
    "hemoe_keys": ({"kind": "hemoe", "modules": 86, "ratio": 4, "coherence": 2}, "keys"),
    "hemoe_domains": ({"kind": "hemoe", "modules": 86, "ratio": 4, "coherence": 2}, "domains"),
    "random_homogeneous_keys": ({"kind": "random_homogeneous"}, "keys"),
}


def opened(path: pathlib.Path) -> str:
    packed = path.with_name(path.name + ".xz")
    return lzma.open(packed, "rt", encoding="utf-8").read() if packed.exists() else path.read_text(encoding="utf-8")


def ascii_only(text: str) -> str:
    return text.encode("ascii", "ignore").decode()


def texts_of(data: pathlib.Path) -> dict[str, str]:
    news = "\n".join(" ".join(row[1:]) for row in csv.reader(io.StringIO(opened(data / "ag_news_csv/train_12k.csv"))))
    reviews = "\n".join(json.loads(line)["text"] for line in
                        opened(data / "imdb/imdb_train_10k.jsonl").split("\n") if line)
    rows = json.loads(opened(data / "instruct/alpaca_data_random9k.json"))
    instructions = "\n\n".join("\n".join(filter(None, (r["instruction"], r.get("input", ""), r["output"]))) for r in rows)
    wiki = sorted(p for p in (data / "lm_text/wikitext").iterdir() if "valid" in p.name or "test" in p.name)
    encyclopedia = "\n".join(opened(p.with_suffix("") if p.suffix == ".xz" else p) for p in wiki)
    plays = opened(data / "lm_text/tinyshakespeare/input.txt")
    texts = {"news": news, "reviews": reviews, "plays": plays, "encyclopedia": encyclopedia, "instructions": instructions}
    return {name: ascii_only(text) for name, text in texts.items()}


def in_turns(texts: list[str]) -> str:
    length = min(map(len, texts))
    return "".join(text[at:at + TURN] for at in range(0, length, TURN) for text in texts)


class Study:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.program = str(arguments.program.resolve())
        self.folder = arguments.folder
        self.data = arguments.data.resolve()
        self.seed = arguments.seed
        self.epochs = arguments.epochs
        self.threads = str(arguments.threads)
        self.folder.mkdir(parents=True, exist_ok=True)

    def run(self, *words: str) -> str:
        done = subprocess.run([self.program, *words, "--threads", self.threads], cwd=self.folder, text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)}\n{done.stderr}")
        return done.stdout

    def make_texts(self) -> None:
        if (self.folder / "tokenizer.json").exists():
            return
        train, test = [], []
        for name, text in texts_of(self.data).items():
            train.append(text[:TRAIN])
            test.append(text[TRAIN:TRAIN + TEST])
            (self.folder / f"{name}.txt").write_text(train[-1])
            (self.folder / f"{name}.test.txt").write_text(test[-1])
        (self.folder / "train.txt").write_text(in_turns(train))
        (self.folder / "tune.txt").write_text(in_turns(train)[:TUNE])
        (self.folder / "test.txt").write_text("".join(test))
        self.run("data", "train-tokenizer", "train.txt", "--vocab", "4096", "--out", "tokenizer.json")

    def settings(self) -> list[str]:
        return ['data.tokenizer={kind="file",path="tokenizer.json"}', "data.vocabulary=0", "data.test_path=test.txt",
                "model.width=256", "model.layers=6", "model.heads=4", "model.dense.hidden=688",
                "schedule.warmup_fraction=0.05", "train.tensorboard=false", f"seed={self.seed}"]

    def train_dense(self) -> str:
        name = f"dense-{self.seed}"
        if not self.is_done(name):
            self.run("train", "lm/llama", "--out", name, "--no-progress",
                     *self.laid_over("data.path=train.txt", f"train.epochs={self.epochs}", *self.settings()))
        return name

    def tune_dense(self, dense: str) -> str:
        """The dense model with corrections of low rank, tuned on the same text for as long."""
        name = f"lora-{self.seed}"
        if not self.is_done(name):
            self.run("train", "lm/llama", "--out", name, "--no-progress",
                     *self.laid_over("data.path=tune.txt", "train.epochs=1", "train.optimizer.lr=1e-3", *self.settings(),
                                     "model.lora={rank=8,alpha=16.0,targets=['blocks.*.attention.*','layers.*.w*']}",
                                     f"train.start={{from='{dense}',leave=['*.lora_?']}}"))
        return name

    @staticmethod
    def laid_over(*settings: str) -> list[str]:
        return [word for setting in settings for word in ("--set", setting.replace("schedule.", "train.schedule."))]

    def is_done(self, name: str) -> bool:
        state = self.folder / name / "state"
        return state.exists() and state.read_text().split()[0] == "done"

    def convert(self, dense: str, method: str) -> str:
        name = f"{method}-{self.seed}"
        if (self.folder / name / "checkpoints").exists():
            return name
        partition, router_init = METHODS[method]
        tokenizer = '{ kind = "file", path = "tokenizer.json" }'
        domains = "".join(f'  {{ kind = "text_lm", path = "{d}.txt", length = 128, batch = 16, tokenizer = {tokenizer} }},\n'
                          for d in DOMAINS)
        inline = ", ".join(f"{key} = {json.dumps(value)}" for key, value in partition.items())
        (self.folder / f"{name}.toml").write_text(f"""model = "{dense}"
out = "{name}"
seed = {self.seed}
experts = 8
sequences = 128
domains = [
{domains}]
partition = {{ {inline} }}
router = {{ kind = "top_k", k = 4, weights = "one", init_std = 0.001 }}
router_init = "{router_init}"
balancers = [{{ kind = "size_penalty", weight = 0.01 }}]
tuning = ["data.path=tune.txt", "data.test_path=test.txt", "train.epochs=1", "train.optimizer.lr=1e-3"]
""")
        self.run("convert", "run", f"{name}.toml")
        return name

    def tune(self, name: str) -> None:
        if not self.is_done(name):
            self.run("train", "--resume", name, "--no-progress")

    def perplexities(self, model: str) -> list[float]:
        found = []
        for domain in DOMAINS:
            rows = json.loads(self.run("eval", model, "--text", f"{domain}.test.txt", "--format", "json"))
            found.append(next(row["value"] for row in rows if row["metric"] == "token_perplexity"))
        return found

    def active_neurons(self, model: str) -> float:
        """Of a token and layer, on average over the test text."""
        path = self.folder / "routing.tmp.safetensors"
        self.run("route", model, "test", "--per-token", "1000000", "--out", str(path.resolve()))
        tensors = read_tensors(path)
        path.unlink()
        sums = []
        for name, (shape, chosen) in tensors.items():
            if not name.endswith(".sample_TK"):
                continue
            params = tensors[name.replace("sample_TK", "params_E")][1]
            sums.append(sum(params[int(e)] for e in chosen if e >= 0) / (3 * 256) / shape[0])
        return sum(sums) / len(sums) + self.shared_neurons(model)

    def shared_neurons(self, model: str) -> float:
        """Of a layer: those that all experts have, which work for every token."""
        maps = [path.read_text().splitlines() for path in (self.folder / model / "maps").glob("*.part.8")]
        return sum(len(re.findall(r"\d+", line)) == 8 for lines in maps for line in lines) / len(maps)

    def measured(self, label: str, model: str, is_sparse: bool) -> dict:
        path = self.folder / f"{label}.json"
        if not path.exists():
            found = {"perplexity": self.perplexities(model), "neurons": self.active_neurons(model) if is_sparse else 688.0}
            path.write_text(json.dumps(found))
        return json.loads(path.read_text())


def read_tensors(path: pathlib.Path) -> dict[str, tuple[list[int], array.array]]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    codes = {"F64": "d", "I64": "q", "F32": "f", "I32": "i"}
    tensors = {}
    for name, info in header.items():
        if name == "__metadata__" or info["dtype"] not in codes:
            continue
        begin, end = (8 + length + offset for offset in info["data_offsets"])
        tensors[name] = (info["shape"], array.array(codes[info["dtype"]], content[begin:end]))
    return tensors


def row_of(label: str, found: dict, dense: dict) -> str:
    kept = [d / p for d, p in zip(dense["perplexity"], found["perplexity"])]
    shares = " | ".join(f"{100 * k:.1f}" for k in kept)
    return f"| {label} | {found['neurons']:.0f} | {shares} | {100 * sum(kept) / len(kept):.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    study = Study(parser.parse_args())
    study.make_texts()
    dense_run = study.train_dense()
    dense = study.measured(dense_run, dense_run, False)
    print("dense: perplexity of a token", dict(zip(DOMAINS, (round(p, 2) for p in dense["perplexity"]))), flush=True)
    print("| method | active neurons of 688 | " + " | ".join(DOMAINS) + " | mean of what is kept, % |", flush=True)
    lora = study.tune_dense(dense_run)
    print(row_of("dense, tuned (LoRA)", study.measured(lora, lora, False), dense), flush=True)
    for method in METHODS:
        name = study.convert(dense_run, method)
        before = study.measured(f"{name}.before", name, True) if not study.is_done(name) else None
        if before:
            print(row_of(f"{method}, before tuning", before, dense), flush=True)
        study.tune(name)
        print(row_of(f"{method}, tuned", study.measured(name, name, True), dense), flush=True)


if __name__ == "__main__":
    main()
