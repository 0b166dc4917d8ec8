"""Threads of the kernel: who they are and how often they ran. Reads: /proc."""

import os
import pathlib

import machine


def pid_of(comm):
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if pathlib.Path(f"/proc/{name}/comm").read_text(encoding="utf-8").strip() == comm:
                return int(name)
        except OSError:
            pass  # it ended meanwhile
    raise AssertionError(f"there is no thread {comm}")


def switches_of(pid):
    voluntary, involuntary, _ = machine.kernel_counts(pid)[pid]
    return voluntary + involuntary


def await_switches(pid, count):
    """Until it ran so often again; the time then, in ns."""
    before = switches_of(pid)
    machine.await_that(lambda: switches_of(pid) - before >= count, f"thread {pid} runs {count} times")
    return machine.mono_ns()
