"""SourceTree: the files of a checkout as text, by kind, with helpers that blank out comments and strings.

Reads: every file below a root except dot folders of tools, build folders and binary files. A seeded tree can stand in for the real one.
"""

import pathlib
import re
from functools import lru_cache

SKIPPED_FOLDERS = {".git", ".cache", ".vscode", ".idea", "build", "__pycache__"}
CPP_SUFFIXES = (".cc", ".h", ".c")

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """C++ text with comments blanked; lines and columns stay."""
    return _TOKEN.sub(lambda m: _blank(m.group()) if m.group().startswith(("//", "/*")) else m.group(), text)


def code_only(text):
    """C++ text with comments and the contents of literals blanked; lines and columns stay."""
    return _TOKEN.sub(lambda m: _blank(m.group()), text)


class SourceTree:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.paths = sorted(self._walk(self.root))

    def _walk(self, folder):
        for entry in folder.iterdir():
            if entry.is_symlink():
                continue
            if entry.is_dir():
                if entry.name not in SKIPPED_FOLDERS and not entry.name.startswith("build-"):
                    yield from self._walk(entry)
            elif self._is_text(entry):
                yield entry.relative_to(self.root).as_posix()

    @staticmethod
    def _is_text(path):
        with path.open("rb") as file:
            return b"\0" not in file.read(4096)

    @lru_cache(maxsize=None)
    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    @lru_cache(maxsize=None)
    def code(self, path):
        return code_only(self.text(path))

    @lru_cache(maxsize=None)
    def uncommented(self, path):
        return without_comments(self.text(path))

    def exists(self, path):
        return (self.root / path).exists()

    def cpp(self):
        return [p for p in self.paths if p.endswith(CPP_SUFFIXES)]

    def headers(self):
        return [p for p in self.paths if p.endswith(".h")]

    def cmake(self):
        return [p for p in self.paths if p.endswith(("CMakeLists.txt", ".cmake"))]

    def sources(self):
        """Whatever people write here: code, scripts, build files; not prose, not captured files of real machines."""
        kinds = (".cc", ".h", ".c", ".py", ".sh", ".proto", ".cmake", ".txt", ".service", ".conf", ".json")
        return [p for p in self.paths
                if not p.startswith("tests/fixtures/") and (p.endswith(kinds) or self.text(p).startswith("#!"))]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
