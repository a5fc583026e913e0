"""What the check scripts know about the tree: its C++ files, their includes, its families. Imported by them only."""

import pathlib
import re
import sys
from typing import Iterator, NamedTuple

CXX = {".h", ".cc", ".cu", ".cuh"}


class Include(NamedTuple):
    line: int
    name: str
    is_own: bool  # "..." rather than <...>


class Problem(NamedTuple):
    path: str
    line: int  # 0: the whole file
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


def root_folder() -> pathlib.Path:
    """The folder named on the command line, or the one that holds tools/."""
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    return pathlib.Path(names[0] if names else pathlib.Path(__file__).parent.parent).resolve()


def files(root: pathlib.Path, *tops: str) -> Iterator[pathlib.Path]:
    """Every file under the given folders, hidden ones and Python's caches left out, in a fixed order."""
    for top in tops:
        for path in sorted((root / top).rglob("*")):
            parts = path.relative_to(root).parts
            if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
                yield path


def cxx_files(root: pathlib.Path, *tops: str) -> Iterator[pathlib.Path]:
    return (path for path in files(root, *tops) if path.suffix in CXX)


def includes(path: pathlib.Path) -> list[Include]:
    found = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
        if match:
            found.append(Include(number, match[1] or match[2], bool(match[1])))
    return found


def families(root: pathlib.Path) -> dict[str, str]:
    """Member folder -> contract, relative to the root: heterodyne/layer/routers -> heterodyne/layer/router.h."""
    found = {}
    for header in [*root.glob("heterodyne/*/*.h"), *root.glob("cli/*.h"), *root.glob("cli/*/*.h")]:
        folder = header.with_name(header.stem + "s")
        if folder.is_dir():
            found[folder.relative_to(root).as_posix()] = header.relative_to(root).as_posix()
    return found


def finish(problems: list[Problem]) -> None:
    """Prints the problems in the order of the files and ends the program."""
    for problem in sorted(set(problems)):
        print(problem)
    sys.exit(bool(problems))
