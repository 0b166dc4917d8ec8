"""clang-tidy over what the build compiled, in parallel; what did not change since it was last clean is not looked at again.

usage: tidy.py quick|all ROOT BUILD     quick leaves out the tests and every source that includes gRPC: 20 s each, 6 s for the rest
Reads: BUILD/compile_commands.json and ninja's dependencies, ROOT/.clang-tidy. Writes: BUILD/tidy-cache (one empty file per clean source).
Exit code 0 clean, 1 findings; 77 with "SKIPPED: reason" when clang-tidy is missing.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

TOOLS = ("clang-tidy-14", "clang-tidy")  # the version decides the findings
# GCC's flags that clang does not know would each be a finding.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-unused-command-line-argument",
         "--extra-arg=-Wno-ignored-optimization-argument"]


def find_tool():
    """Its name; None when version 14 is not there."""
    tool = next((t for t in TOOLS if shutil.which(t)), None)
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout if tool else ""
    return tool if " 14." in version else None


def dependencies(build):
    """object → the files it was made from, as ninja recorded them when it last built it."""
    output = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    found, current = {}, None
    for line in output.splitlines():
        if line.startswith("    "):
            current.append(line.strip())
        elif ": #deps" in line:
            current = found.setdefault(line.split(": #deps")[0], [])
    return found


def units(root, build):
    """(source, files it was made from) of each compiled source of ours."""
    recorded = dependencies(build)
    with open(build / "compile_commands.json", encoding="utf-8") as file:
        commands = json.load(file)
    for command in commands:
        source = pathlib.Path(command["file"])
        output = command.get("output") or command["command"].split(" -o ")[1].split()[0]
        if source.is_relative_to(root) and not source.is_relative_to(build):
            yield source, recorded.get(output, [])


def fingerprint(source, files, root, build, tool):
    digest = hashlib.sha256(tool.encode() + (root / ".clang-tidy").read_bytes() + str(source).encode())
    for name in files:
        path = pathlib.Path(name) if os.path.isabs(name) else build / name
        if path.is_relative_to(root) and path.exists():
            digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()


def tidy(tool, build, source):
    run = subprocess.run([tool, "-p", build, "--quiet", *EXTRA, source], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout.strip() or run.stderr.strip()


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in ("quick", "all"):
        print(__doc__, file=sys.stderr)
        return 2
    scope, root, build = arguments[0], pathlib.Path(arguments[1]).resolve(), pathlib.Path(arguments[2]).resolve()
    tool = find_tool()
    if tool is None:
        print("SKIPPED: clang-tidy-14 is not installed: apt-get install clang-tidy-14")
        return 77
    cache = build / "tidy-cache"
    cache.mkdir(exist_ok=True)
    todo, clean, left_out = {}, 0, 0
    for source, files in units(root, build):
        if not files:
            print(f"{source}: not built yet: run ninja -C {build} first")
            return 1
        if scope == "quick" and (source.is_relative_to(root / "tests") or any("/grpcpp/" in f for f in files)):
            left_out += 1
            continue
        mark = cache / fingerprint(source, files, root, build, tool)
        if mark.exists():
            clean += 1
        else:
            todo[source] = mark
    dirty = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        runs = {pool.submit(tidy, tool, build, source): source for source in todo}
        for run in concurrent.futures.as_completed(runs):
            code, output = run.result()
            if code == 0:
                todo[runs[run]].touch()
            else:
                dirty += 1
                print(output, flush=True)
    print(f"clang-tidy: {len(todo)} sources looked at, {clean} unchanged since they were clean, {left_out} left out, {dirty} with findings")
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
