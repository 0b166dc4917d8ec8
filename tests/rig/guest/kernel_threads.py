"""Threads of the kernel: who they are, how often they ran, and one that has work. Reads: /proc. Changes: ksm/run."""

import mmap
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


class WorkForKsmd:
    """Memory that ksmd is to look for equal pages in: it wakes some 50 times a second as long as this is not ended."""

    RUN = pathlib.Path("/sys/kernel/mm/ksm/run")

    def __init__(self):
        self._memory = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._memory.madvise(mmap.MADV_MERGEABLE)
        for offset in range(0, len(self._memory), mmap.PAGESIZE):
            self._memory[offset : offset + 8] = offset.to_bytes(8, "little")
        self._before = self.RUN.read_text(encoding="utf-8")
        self.RUN.write_text("1", encoding="utf-8")

    def end(self):
        self.RUN.write_text(self._before, encoding="utf-8")
        self._memory.close()
