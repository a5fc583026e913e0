"""Runs heterodyne as a user does, in a scratch folder. Imported by the tests of this folder.

The program is the one that the environment variable HETERODYNE_PROGRAM names, or that of the preset dev.
"""

import atexit
import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest
from typing import Any, Callable, Iterator, NamedTuple

from warm_start import WarmStart

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("HETERODYNE_PROGRAM", str(SOURCE / "build/dev/heterodyne"))
SECONDS = 120  # after which a run counts as hanging

DONE, FAILED, USAGE, INPUT, CHECK, INTERRUPTED = 0, 1, 2, 3, 4, 130

TIMING = {"examples_per_s"}  # what two equal runs may differ in

SMALL = {  # for the recipe synthetic/dmmoe: 2 x 5 steps in a few hundredths of a second
    "data.examples": 300,
    "data.size": 8,
    "model.width": 16,
    "train.epochs": 2,
    "train.log_every": 2,
    "train.checkpoint.every_steps": 2,
}


ANIMALS = "the cat sat on the mat. the dog sat on the log.\n" * 60  # a text that is soon learned


def text_config(model: str, train: str, *, length: int = 10, data: str = "") -> str:
    """A configuration of a tiny language model of text.txt; its sections as lines of TOML."""
    source = f'kind = "text_lm"\npath = "text.txt"\nbatch = 4\nlength = {length}'
    return f'name = "tiny"\n[data]\n{source}\n{data}\n[model]\n{model}\n[train]\n{train}\n'


class Done(NamedTuple):
    code: int
    stdout: str
    stderr: str

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.stderr.splitlines() if line.startswith("warning: ")]


def settings(values: dict[str, Any]) -> list[str]:
    """The values as --set flags. What is neither text nor a number is written as JSON, which TOML reads alike."""
    flags = []
    for path, value in values.items():
        flags += ["--set", f"{path}={value if isinstance(value, str) else json.dumps(value)}"]
    return flags


def small(changes: dict[str, Any] | None = None) -> list[str]:
    """The arguments of `train` for the small run, with other settings laid over it."""
    return ["synthetic/dmmoe", *settings(SMALL | (changes or {}))]


def environment(folder: pathlib.Path) -> dict[str, str]:
    """This process's own, without what would change how the program behaves. One thread, so that tests run abreast."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HETERODYNE_") and k not in ("NO_COLOR", "CI")}
    return kept | {"HETERODYNE_RUNS": str(folder / "runs"), "HETERODYNE_THREADS": "1"}


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Returns as soon as the condition holds; fails when it does not within a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.002)


@functools.cache
def warm_start() -> WarmStart | None:
    """The program, loaded once, where this build has what holds it."""
    preloaded = os.environ.get("HETERODYNE_WARM_START_LIBRARY", "")
    if not preloaded:
        return None
    loaded = WarmStart(PROGRAM, preloaded)
    atexit.register(loaded.close)
    return loaded


class Program:
    """The program, run in a folder. Relative paths among the arguments are relative to it."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def path(self, name: str) -> pathlib.Path:
        return self.folder / name

    def write(self, name: str, contents: str | bytes) -> pathlib.Path:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
        return path

    def start(
        self, *words: str, env: dict[str, str] | None = None, under: list[str] | None = None, **popen: Any
    ) -> subprocess.Popen:
        """Starts it, or the command `under` with it and its arguments, and does not wait. Its output goes to the files
        `stdout` and `stderr` of the folder."""
        with open(self.path("stdout"), "wb") as stdout, open(self.path("stderr"), "wb") as stderr:
            streams = {"stdin": subprocess.DEVNULL, "stdout": stdout, "stderr": stderr}
            whole = environment(self.folder) | (env or {})
            return subprocess.Popen([*(under or []), PROGRAM, *words], cwd=self.folder, env=whole, **(streams | popen))

    def finish(self, process: subprocess.Popen) -> Done:
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return self.done(code)

    def done(self, code: int) -> Done:
        return Done(code, self.path("stdout").read_text(), self.path("stderr").read_text())

    def run(self, *words: str, **options: Any) -> Done:
        loaded = None if options else warm_start()  # an option may be what only loading sees: OMP_NUM_THREADS
        if loaded is None:
            return self.finish(self.start(*words, **options))
        with open(os.devnull) as stdin, open(self.path("stdout"), "wb") as stdout, open(self.path("stderr"), "wb") as stderr:
            code = loaded.run([*words], str(self.folder), environment(self.folder), [stdin, stdout, stderr], SECONDS)
        return self.done(code)


class ProgramTest(unittest.TestCase):
    """A test with a program in a folder of its own."""

    maxDiff = None

    @classmethod
    def shared_program(cls) -> Program:
        """For setUpClass(): one for all tests of the class, which only read there."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="heterodyne-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        return Program(folder)

    def setUp(self) -> None:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="heterodyne-"))
        self.addCleanup(shutil.rmtree, folder)
        self.program = Program(folder)

    def succeeds(self, *words: str, **options: Any) -> Done:
        done = self.program.run(*words, **options)
        self.assertEqual(done.code, DONE, f"{words}\n{done.stdout}{done.stderr}")
        return done

    def refuses(self, code: int, says: list[str], *words: str, **options: Any) -> Done:
        """It ends with that code and one line of error that has all these parts, and prints no data."""
        done = self.program.run(*words, **options)
        errors = [line for line in done.stderr.splitlines() if line.startswith("heterodyne: error: ")]
        self.assertEqual((done.code, len(errors), done.stdout), (code, 1, ""), f"{words}\n{done.stdout}{done.stderr}")
        for part in says:
            self.assertIn(part, errors[0])
        return done

    def assert_same_files(self, one: pathlib.Path, other: pathlib.Path) -> None:
        """Both folders hold the same files with the same bytes."""
        self.assertEqual(digests(one), digests(other))

    def assert_same_run(self, one: pathlib.Path, other: pathlib.Path) -> None:
        """Both runs ended with the same checkpoints, to the bit, and the same metrics but for times."""
        self.assertEqual(metrics(one), metrics(other))
        self.assert_same_files(one / "checkpoints", other / "checkpoints")
        self.assertEqual(state(one), state(other))


def files(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """All but hidden ones, which are no part of what a run leaves: its lock."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))


def digests(folder: pathlib.Path) -> dict[str, str]:
    """SHA-256 of every file by its name."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files(folder)}


def metrics(run: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without their times."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMING} for line in lines]


def state(run: pathlib.Path) -> str:
    """The word that `state` begins with."""
    return (run / "state").read_text().split()[0]


def steps(run: pathlib.Path) -> list[int]:
    """Of the checkpoints that the run holds."""
    return sorted(int(path.name[5:]) for path in (run / "checkpoints").glob("step-????????"))


def checkpoint(run: pathlib.Path, name: str = "LAST") -> pathlib.Path:
    """The folder of the last or the best checkpoint."""
    return run / "checkpoints" / f"step-{int((run / 'checkpoints' / name).read_text()):08}"


def last_step(run: pathlib.Path) -> int:
    """Of the newest checkpoint; 0 when there is none."""
    path = run / "checkpoints/LAST"
    return int(path.read_text()) if path.exists() else 0
