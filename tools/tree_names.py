"""What a page may name: the files, words, settings, members and rules of the tree. Imported by check_docs."""

import fnmatch
import pathlib
import re
import sys
import tomllib

import source_tree


def settings_of(table: dict):
    """Every (key, value) of a TOML document."""
    for key, value in table.items():
        yield key, value
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from settings_of(inner)


class TreeNames:
    def __init__(self, root: pathlib.Path):
        self.root = root
        skipped = {"build", "runs"}
        tops = [top.name for top in root.iterdir() if top.is_dir() and top.name not in skipped and top.name[0] != "."]
        self.paths = {path.relative_to(root).as_posix() for path in source_tree.files(root, *tops)}
        self.paths |= {path.name for path in root.iterdir() if path.is_file()}
        self.paths |= {path.relative_to(root).as_posix() for path in root.glob(".ci/*")}
        folders = {parent.as_posix() for path in self.paths for parent in pathlib.PurePosixPath(path).parents}
        self.folders = folders - {"."}
        self.ends = {path.split("/", i)[-1] for path in self.paths | self.folders for i in range(path.count("/") + 1)}

        code = self.text("heterodyne", "cli", "bindings", "examples")
        self.cli = self.text("cli") + self.flags_of_configurations()
        self.flags = self.cli + self.text("tools", "Makefile", "CMakePresets.json")
        rooms = re.findall(r"^\w+", self.read("heterodyne/ROOMS"), re.M)
        targets = [name for room in rooms for name in (f"heterodyne_{room}", f"{room}_tests", f"{room}_bench")]
        build = self.text("configs", "cmake", "CMakeLists.txt", "CMakePresets.json")
        self.code_words = set(re.findall(r"\w+", code + build)) | set(targets)
        self.all_words = self.code_words | set(re.findall(r"\w+", self.text("tools", "Makefile")))
        self.quoted = {text.split("/")[-1] for text in re.findall(r'"([^"\n]*)"', code)}
        families = source_tree.families(root)
        self.families = {folder.split("/")[-1] for folder in families}
        self.members = {
            path.split("/")[-1][:-3]
            for path in self.paths
            if path.rpartition("/")[0] in families and re.search(r"(?<!_test)(?<!_bench)\.cc$", path)
        }
        self.settings = set(re.findall(r'\bfields?\(\s*"(\w+)"', code)) | self.members | {"kind", "base"}
        self.settings |= {pathlib.PurePosixPath(contract).stem for contract in families.values()}
        for path in self.paths:
            if path.startswith("configs/") and path.endswith(".toml"):
                try:
                    self.settings |= {key for key, _ in settings_of(tomllib.loads(self.read(path)))}
                except tomllib.TOMLDecodeError as error:
                    sys.exit(f"{path}: this is no valid TOML: {error}")
        self.site_pages = {f"docs/{page}" for page in re.findall(r":\s+(\S+\.md)$", self.read("mkdocs.yml"), re.M)}
        self.rules = set(re.findall(r"^([\w-]+):", self.read("Makefile"), re.M))

    def flags_of_configurations(self) -> str:
        """The keys of their tables `flags`, as they are written on a line."""
        tables = [
            re.search(r"(?ms)^\[flags\](.*?)(^\[|\Z)", self.read(path))
            for path in sorted(self.paths)
            if path.startswith("configs/") and path.endswith(".toml")
        ]
        names = [name for table in tables if table for name in re.findall(r"(?m)^(\w+) = ", table[1])]
        return "".join(f" --{name}\n" for name in names)

    def read(self, name: str) -> str:
        path = self.root / name
        return path.read_text(errors="replace") if path.is_file() else ""

    def text(self, *tops: str) -> str:
        return "\n".join(self.read(name) for name in sorted(self.paths) if name.split("/")[0] in tops)

    def has_path(self, name: str, page: str) -> bool:
        name = name.removeprefix("./").rstrip("/")
        beside = (self.root / page).parent / name
        if name.startswith("_"):
            return any(path.endswith(name) for path in self.paths)
        if "*" in name:
            return any(fnmatch.fnmatch(end, name) for end in self.ends)
        return name in self.ends or beside.exists() or name in self.quoted or f"configs/{name}.toml" in self.paths
