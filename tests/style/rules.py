"""The rules of STYLE that a machine can hold, one function each: tree in, violations (path, line, text) out.

Limits are for everybody; tests/style/exceptions lists who may break one and why, and seeds.py shows that each rule bites.
"""

import re

from source_tree import line_of

FILE_LINES = 500
FUNCTION_LINES = 70
# The case of a test reads top to bottom and has no caller to understand.
TEST_FUNCTION_LINES = 90


def file_length(tree, limits):
    for path in tree.sources():
        lines = tree.text(path).count("\n")
        limit = limits.get(path, FILE_LINES)
        if lines > limit:
            yield path, lines, f"has {lines} lines; the limit is {limit}: it is two files"


_NOT_A_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b(?![^(]*\()")
_SIGNATURE = re.compile(r"\)\s*(const|noexcept|override|final|mutable|try|&|&&|->[^;{}]*|:[^;]*|\s)*$")


def function_spans(code):
    """(first line, last line) of every function body of C++ text without comments and literals, outermost only."""
    stack, spans, statement_start, inside = [], [], 0, 0
    for match in re.finditer(r"[{};]", code):
        at = match.start()
        if match.group() == "{" and re.match(r"[\w>]", code[at - 1 : at]):
            stack.append(None)  # x{1}: an initializer; the statement goes on behind it
            continue
        if match.group() == "}" and stack and stack[-1] is None:
            stack.pop()
            continue
        if match.group() == ";" and stack and stack[-1] is None:
            continue
        if match.group() == "{":
            head = code[statement_start:at].strip()
            is_function = inside == 0 and "(" in head and bool(_SIGNATURE.search(head)) and not _NOT_A_FUNCTION.search(head)
            stack.append((is_function, statement_start, len(code[statement_start:at]) - len(code[statement_start:at].lstrip())))
            inside += is_function
        elif match.group() == "}" and stack:
            is_function, start, indent = stack.pop()
            inside -= is_function
            if is_function:
                spans.append((line_of(code, start + indent), line_of(code, at)))
        statement_start = at + 1
    return spans


def function_length(tree, limits):
    for path in tree.cpp():
        code = re.sub(r"^[ \t]*#.*$", lambda m: " " * len(m.group()), tree.code(path), flags=re.MULTILINE)
        limit = limits.get(path, TEST_FUNCTION_LINES if path.startswith("tests/") else FUNCTION_LINES)
        for first, last in function_spans(code):
            if last - first + 1 > limit:
                yield path, first, f"this function has {last - first + 1} lines; the limit is {limit}"


_UNDONE = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def no_undone_work(tree):
    for path in tree.sources():
        for match in _UNDONE.finditer(tree.text(path)):
            yield path, line_of(tree.text(path), match.start()), f"{match.group()}: do it, or open an issue and leave it out"


_GLOB = re.compile(r"file\s*\(\s*GLOB", re.IGNORECASE)


def glob(tree):
    for path in tree.cmake():
        for match in _GLOB.finditer(re.sub(r"#[^\n]*", "", tree.text(path))):
            yield path, line_of(tree.text(path), match.start()), "file(GLOB): list the sources, so that adding one is a visible change"


def include_guard(tree):
    for path in tree.headers():
        guard = "HFTMON_" + re.sub(r"[^A-Z0-9]", "_", path.upper()) + "_"
        text = tree.text(path)
        if not re.search(rf"^#ifndef {guard}\n#define {guard}\n", text, re.MULTILINE):
            yield path, 1, f"the include guard is not {guard}"
        elif not re.search(rf"#endif\s*(//|/\*) ?{guard}( \*/)?\s*$", text):
            yield path, text.count("\n"), f"does not end with #endif  // {guard}"


def header_comment(tree):
    for path in tree.headers():
        if not re.match(r"(?:/\* SPDX[^\n]*\n)?(//|/\*) ?\S|(?:/\* SPDX[^\n]*\n)/\*\s", tree.text(path)):
            yield path, 1, "opens without a comment: say what it is for, who calls it, what bounds it"


_ATOMIC_CALL = re.compile(r"(?:\.|->)(load|store|exchange|fetch_add|fetch_sub|fetch_or|fetch_and|fetch_xor|compare_exchange_weak|"
                          r"compare_exchange_strong|test_and_set)\s*\(")
_ATOMIC_NAME = re.compile(r"\bstd::atomic<[^;{}()]*?>+\s+(\w+)\s*(?:\{[^}]*\})?\s*[;,=]")


def call_arguments(code, open_at):
    depth = 0
    for at in range(open_at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            return code[open_at : at + 1]
    return code[open_at:]


def memory_order(tree):
    for path in tree.cpp():
        code = tree.code(path)
        for match in _ATOMIC_CALL.finditer(code):
            if "memory_order" not in call_arguments(code, match.end() - 1):
                yield path, line_of(code, match.start()), f"{match.group(1)} without a memory order: name it, and say what it pairs with"
        header = re.sub(r"\.cc$", ".h", path)
        declarations = code + (tree.code(header) if header != path and tree.exists(header) else "")
        # Members of classes alone: a plain struct may bear the same names as its atomic twin.
        for name in sorted({m.group(1) for m in _ATOMIC_NAME.finditer(declarations) if m.group(1).endswith("_")}):
            for match in re.finditer(rf"(?:\+\+|--)\s*{name}\b|(?<![\w.>]){name}\s*(?:\+\+|--|[-+|&^]?=(?!=))", code):
                if "atomic<" not in code[code.rfind("\n", 0, match.start()) + 1 : match.end()]:
                    yield path, line_of(code, match.start()), f"an operator on the atomic {name} hides its memory order"


_SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep|sleep)\s*\(")


def sleep(tree):
    for path in tree.paths:
        if not path.startswith("tests/") or path.startswith("tests/style/") or not path.endswith((".cc", ".h", ".c", ".py")):
            continue
        code = tree.code(path) if not path.endswith(".py") else re.sub(r"#[^\n]*", "", tree.text(path))
        for match in _SLEEP.finditer(code):
            yield path, line_of(code, match.start()), f"{match.group(1)} in a test: await the event instead"


_MACHINE_PATH = re.compile(r"(?<![\w.*-])/(wo" + r"rk|ro" + r"ot|ho" + r"me|fa" + r"rm)/")


def machine_path(tree):
    for path in tree.paths:
        if path.startswith("tests/fixtures/"):
            continue
        for match in _MACHINE_PATH.finditer(tree.text(path)):
            yield path, line_of(tree.text(path), match.start()), f"a path of one machine ({match.group()})"


def licence(tree):
    for path, needle in (("LICENSE", "Apache License"), ("daemon/bpf/LICENSE", "GPL-2.0")):
        if not tree.exists(path) or needle not in tree.text(path):
            yield path, 1, f"is not there, or does not name the {needle}"
    for path in tree.cpp():
        runs_in_kernel = path.endswith((".bpf.c", ".bpf.h"))
        if runs_in_kernel and not re.match(r"/[/*] SPDX-License-Identifier: \(?[^\n]*GPL-2\.0", tree.text(path)):
            yield path, 1, "runs in the kernel, so its first line is an SPDX-License-Identifier that names GPL-2.0"
        if path.endswith(".bpf.c") and "#include" in tree.text(path):
            for name in re.findall(r'#include "([^"]+)"', tree.text(path)):
                if tree.exists(name) and "GPL-2.0" not in tree.text(name).split("\n", 1)[0]:
                    yield name, 1, f"is included by {path}, which runs in the kernel: its SPDX line has to name GPL-2.0"


_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def links(tree):
    for path in tree.paths:
        if not path.endswith(".md"):
            continue
        folder = (tree.root / path).parent
        for match in _LINK.finditer(tree.text(path)):
            target = match.group(1)
            if "://" not in target and not target.startswith("mailto:") and not (folder / target).exists():
                yield path, line_of(tree.text(path), match.start()), f"links to {target}, which does not exist"


def whitespace(tree):
    for path in tree.sources():
        text = tree.text(path)
        for match in re.finditer(r"[ \t]+$|\r", text, re.MULTILINE):
            yield path, line_of(text, match.start()), "white space at the end of the line"
        if "\t" in text and not path.endswith((".mk", ".txt")):
            yield path, line_of(text, text.index("\t")), "a tab: indent with spaces"
        if text and not text.endswith("\n"):
            yield path, text.count("\n") + 1, "no newline at the end"


WITH_LIMITS = {"file_length": file_length, "function_length": function_length}
PLAIN = {rule.__name__: rule for rule in (no_undone_work, glob, include_guard, header_comment, memory_order, sleep, machine_path, licence,
                                          links, whitespace)}
RULES = [*WITH_LIMITS, *PLAIN]
