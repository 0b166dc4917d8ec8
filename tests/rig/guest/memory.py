"""Where a process's pages lie according to the kernel: /proc/PID/numa_maps."""

import pathlib
import re


def pages_by_node(pid, address):
    """node → pages of the mapping that begins at `address`."""
    text = pathlib.Path(f"/proc/{pid}/numa_maps").read_text(encoding="utf-8")
    for line in text.splitlines():
        if int(line.split()[0], 16) == address:
            return {int(node): int(pages) for node, pages in re.findall(r" N(\d+)=(\d+)", line)}
    raise AssertionError(f"no mapping begins at {address:x} in {text}")
