"""library_sources: which files make one of the tree's libraries, with those of ours that it links. Reads: the folders' CMakeLists.txt."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
_LIBRARY = re.compile(r"hftmon_library\(\s*(\w+)(?:\s+SOURCES\s+([^)]*?))?(?:\s+DEPS\s+([^)]*))?\)")
_MARKER = re.compile(r"add_library\(\$\{library\} \$\{kind\}\s+([^)]*)\)")


def _libraries():
    """Each library: its sources, and the names of what it links."""
    found = {}
    for folder in ("common", "daemon"):
        for path in sorted((ROOT / folder).rglob("CMakeLists.txt")):
            for name, sources, links in _LIBRARY.findall(re.sub(r"#[^\n]*", "", path.read_text(encoding="utf-8"))):
                found[name] = ([path.parent / source for source in sources.split()], links.split())
    return found


def library_sources(name):
    """KeyError: no CMakeLists.txt lists that library."""
    libraries = _libraries()
    sources, seen, waiting = [], set(), [name]
    while waiting:
        library = waiting.pop()
        if library in seen:
            continue
        seen.add(library)
        own, links = libraries[library]
        sources += own
        waiting += [link for link in links if link.startswith("hftmon_")]
    return sorted(sources)


def marker_sources():
    """What the library that programs link (client/marker) is made of."""
    folder = ROOT / "client/marker"
    return sorted(folder / source for source in _MARKER.search((folder / "CMakeLists.txt").read_text(encoding="utf-8")).group(1).split())
