"""The one table of which folder may include from which, and the checks that hold the tree and the build to it.

Data flows one way: a folder of LAYERS includes only from those above it. Within that, an edge is allowed only where the folder's
CMakeLists.txt declares it (DEPS, transitively), so the build and the includes tell the same story.
"""

import re

from source_tree import line_of

# Folder, library; each may use those before it.
LAYERS = [
    ("common", "hftmon_common"),
    ("common/perf", "hftmon_perf"),
    ("common/memory_access", "hftmon_memory_access"),
    ("daemon/os", "hftmon_os"),
    ("daemon/pmu", "hftmon_pmu"),
    ("daemon/numa", "hftmon_numa"),
    ("daemon/markers", "hftmon_markers"),
    ("daemon/bpf", "hftmon_bpf"),
    ("daemon/ring", "hftmon_ring"),
    ("daemon/collectors", "hftmon_collectors"),
    ("daemon/ingest", "hftmon_ingest"),
    ("daemon/store", "hftmon_store"),
    ("daemon/analysis", "hftmon_analysis"),
    ("daemon/advice", "hftmon_advice"),
    ("daemon/operations", "hftmon_operations"),
    ("daemon/control", "hftmon_control"),
    ("daemon/stacks", "hftmon_stacks"),
    ("daemon/unwind", "hftmon_unwind"),
    ("daemon/service", "hftmon_service"),
    ("daemon/service/evidence", "hftmon_evidence"),
    ("daemon", "hftmon_daemon"),
]
# Folders beside the daemon, and what of ours they may include from.
BESIDE = {
    "client/cpp": {"common", "client/cpp"},
    "client/top": {"common", "client/cpp", "client/top"},
    "client/recording": {"common", "client/recording"},
    "client/export": {"common", "client/recording", "client/export"},
    # What a check judges by: answers in, verdicts out.
    "client/check": {"common", "client/check"},
    "client/cli": {"common", "common/perf", "common/memory_access", "client/cpp", "client/top", "client/recording", "client/export", "client/check", "client/cli"},
    "client/marker": {"common", "client/marker"},
    # The bundled workload: watched by the daemon, so nothing of it and no gRPC.
    "client/examples/order_book": {"common", "client/marker", "client/examples/order_book"},
    "client/examples": {"client/cpp", "client/marker", "client/examples"},
}
# Protobuf and gRPC are known here alone; tests of these folders may know them too.
PROTO_FOLDERS = ("daemon/service", "client")
# Beside them the one file that reads the configuration, which is the text of a message.
PROTO_FILES = ("daemon/config_file.cc",)
PROTO_INCLUDE = re.compile(r"^(hftmon/v1/|perfetto/|google/|grpc|grpcpp/|.*\.pb\.h$)")
PROTO_LIBRARY = re.compile(r"^(hftmon_proto|hftmon_perfetto_proto|gRPC::|protobuf::)")
# Quoted by habit though they are not ours.
FOREIGN_INCLUDE = re.compile(r"^(absl/|gtest/|gmock/)")
# One name, several files: the build picks a folder with -I, each makes the same declarations for another kind of program.
CHOSEN_BY_BUILD = {"tracing_access.bpf.h"}
# What every program, whatever its folder, may be composed from: tests and the daemon's own main see everything.
UNRESTRICTED = ("tests",)

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
_ORDER = [folder for folder, _ in LAYERS]
_LIBRARY_FOLDER = {library: folder for folder, library in LAYERS}


def folder_of(path):
    """The layer or neighbour that a path lies in: the longest match; None for paths outside the table."""
    candidates = [f for f in list(_ORDER) + list(BESIDE) + list(UNRESTRICTED) + ["proto"] if path.startswith(f + "/")]
    return max(candidates, key=len, default=None)


def allowed_folders(folder):
    if folder in BESIDE:
        return BESIDE[folder]
    return set(_ORDER[: _ORDER.index(folder) + 1])


def includes(tree, path):
    text = tree.uncommented(path)
    for match in _INCLUDE.finditer(text):
        yield line_of(text, match.start()), match.group(1), match.group(2)


def check_includes(tree):
    for path in tree.cpp():
        folder = folder_of(path)
        if folder is None:
            yield path, 1, "lies in no folder of the layering table (tests/style/layers.py)"
            continue
        for line, quote, name in includes(tree, path):
            if PROTO_INCLUDE.match(name):
                if not may_know_proto(path):
                    yield path, line, f"includes {name}: protobuf and gRPC types are for daemon/service and client/ alone"
                continue
            target = folder_of(name)
            foreign = FOREIGN_INCLUDE.match(name) or name.endswith(".skel.h") or name in CHOSEN_BY_BUILD
            if quote == '"' and not foreign and not tree.exists(name):
                yield path, line, f'includes "{name}", which is no path from the top of the tree'
            elif target is not None and folder not in UNRESTRICTED and target not in allowed_folders(folder):
                yield path, line, f"{folder} may not include from {target} ({name}): data flows one way"


def may_know_proto(path):
    inside = path.removeprefix("tests/")
    # Beside the tests of those folders, the tiers that speak to a whole daemon over its socket.
    return path in PROTO_FILES or inside.startswith(tuple(f + "/" for f in PROTO_FOLDERS)) or path.startswith(
        ("tests/integration/", "tests/service/", "tests/fuzz/", "tests/bench/", "tests/fakes/"))


_LIBRARY_CALL = re.compile(r"hftmon_library\s*\(\s*(\w+)([^)]*)\)")
_LINK_CALL = re.compile(r"target_link_libraries\s*\(\s*(\w+)([^)]*)\)")
_KEYWORDS = {"PUBLIC", "PRIVATE", "INTERFACE", "SOURCES", "DEPS"}


def declared_dependencies(tree):
    """library → (its CMakeLists.txt, line, names it links), from hftmon_library and target_link_libraries in the layers' folders."""
    found = {}
    for path in tree.cmake():
        if folder_of(path) in (None, "proto", *UNRESTRICTED):
            continue
        text = re.sub(r"\$<TARGET_NAME_IF_EXISTS:(\w+)>", r"\1", re.sub(r"#[^\n]*", "", tree.text(path)))
        for match in _LIBRARY_CALL.finditer(text):
            dependencies = match.group(2).partition("DEPS")[2].split()
            found[match.group(1)] = (path, line_of(text, match.start()), set(dependencies))
        for match in _LINK_CALL.finditer(text):
            names = {n for n in match.group(2).split() if n not in _KEYWORDS}
            entry = found.setdefault(match.group(1), (path, line_of(text, match.start()), set()))
            entry[2].update(names)
    return found


def closure(library, declared):
    seen, open_ends = set(), [library]
    while open_ends:
        for name in declared.get(open_ends.pop(), (None, 0, set()))[2]:
            if name not in seen:
                seen.add(name)
                open_ends.append(name)
    return seen


def check_cmake(tree):
    declared = declared_dependencies(tree)
    for library, (path, line, names) in sorted(declared.items()):
        folder = folder_of(path)
        for name in sorted(names):
            target = _LIBRARY_FOLDER.get(name) or ("client/cpp" if name == "hftmon_client" else None)
            if target is not None and target not in allowed_folders(folder):
                yield path, line, f"{library} links {name}, but {folder} may not use {target}"
            if PROTO_LIBRARY.match(name) and not folder.startswith(PROTO_FOLDERS):
                yield path, line, f"{library} links {name}: protobuf and gRPC are for daemon/service and client/ alone"
    yield from check_includes_are_declared(tree, declared)


def check_includes_are_declared(tree, declared):
    """An include from another folder needs that folder's library among DEPS, else it compiles by luck."""
    reachable = {}
    for library in declared:
        reachable.setdefault(folder_of(declared[library][0]), set()).update(closure(library, declared))
    for path in tree.cpp():
        folder = folder_of(path)
        # daemon/bpf and client/marker share plain C headers with common and link nothing.
        if folder in (None, "daemon", "daemon/bpf", "client/marker", *UNRESTRICTED) or folder not in reachable:
            continue
        for line, _, name in includes(tree, path):
            target = folder_of(name)
            if target not in _ORDER or target in (folder, "daemon") or target not in allowed_folders(folder):
                continue
            library = dict(LAYERS)[target]
            # The shared headers of daemon/bpf are plain C structs: whoever reads a record may include them without the programs.
            if target != "daemon/bpf" and library in declared and library not in reachable[folder]:
                yield path, line, f"includes {name}, but {folder}/CMakeLists.txt does not name {library} in DEPS"


CHECKS = [check_includes, check_cmake]
