"""Runs one group of style checks over a tree and prints each violation as path:line: text.

usage: check.py layering|rules|format ROOT      exit code 0 clean, 1 violations; 77 with "SKIPPED: reason" when the tool is missing
"""

import shutil
import subprocess
import sys

import exceptions
import layers
from source_tree import SourceTree

CLANG_FORMAT = ("clang-format-14", "clang-format")  # the version decides the outcome, so the pinned one first


def check_layering(tree):
    return [violation for check in layers.CHECKS for violation in check(tree)]


def find_clang_format():
    """Its name; None when version 14 is not there."""
    tool = next((t for t in CLANG_FORMAT if shutil.which(t)), None)
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout if tool else ""
    return tool if " 14." in version else None


def check_format(tree):
    tool = find_clang_format()
    if tool is None:
        print("SKIPPED: clang-format-14 is not installed, and other versions format differently: apt-get install clang-format-14")
        sys.exit(77)
    paths = [p for p in tree.cpp() if not p.startswith("tests/fixtures/")]
    run = subprocess.run([tool, "--dry-run", "-Werror", "--ferror-limit=1", *paths], cwd=tree.root, capture_output=True, text=True, check=False)
    found = []
    for line in run.stderr.splitlines():
        if "error:" in line:
            path, number = line.split(":")[:2]
            found.append((path, int(number), "is not formatted: clang-format-14 -i"))
    if run.returncode and not found:
        found.append((".clang-format", 1, f"{tool} failed: {run.stderr.strip()[:500]}"))
    return found


GROUPS = {"layering": check_layering, "rules": exceptions.check, "format": check_format}


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in GROUPS:
        print(__doc__, file=sys.stderr)
        return 2
    violations = GROUPS[arguments[0]](SourceTree(arguments[1]))
    for path, line, text in sorted(violations):
        print(f"{path}:{line}: {text}")
    print(f"{arguments[0]}: {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
