"""The guest as a machine: its CPUs, its clocks, and the kernel's own figures of threads. What changes it works in a guest of the rig alone.

Reads: /proc, /sys. Changes: which CPUs are online, the wall clock, which modules are loaded.
"""

import ctypes
import os
import pathlib
import subprocess
import threading
import time

PATIENCE_S = 120  # how long an event may take before the case gives up; without KVM everything is about 17 times slower

_CPU = pathlib.Path("/sys/devices/system/cpu")
_never = threading.Event()


def _only_in_a_guest():
    if "hftmon.rig=" not in pathlib.Path("/proc/cmdline").read_text(encoding="utf-8"):
        raise RuntimeError("this is no guest of tests/rig: CPUs and clocks of other machines stay as they are")


def await_that(condition, what, patience_s=PATIENCE_S):
    """The first true value of condition(), asked ten times a second."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"within {patience_s} s it did not happen that {what() if callable(what) else what}")
        _never.wait(0.1)
    return value


# ---- CPUs.


def online_cpus():
    return (_CPU / "online").read_text(encoding="utf-8").strip()


def set_online(cpu, online):
    """Returns when the kernel has done it."""
    _only_in_a_guest()
    (_CPU / f"cpu{cpu}" / "online").write_text("1" if online else "0", encoding="utf-8")


def load_module(name):
    """One that the case's machine brought along (MODULES of tests/rig/guest.py)."""
    _only_in_a_guest()
    if not pathlib.Path(f"/sys/module/{name}").exists():
        subprocess.run(["insmod", f"/lib/modules/{name}.ko"], check=True, timeout=PATIENCE_S)


# ---- Clocks.


def mono_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def clock_pair():
    """(CLOCK_MONOTONIC, CLOCK_REALTIME, half the bracket) of one moment: the tightest of some readings."""
    best = None
    for _ in range(20):
        before = mono_ns()
        real = time.clock_gettime_ns(time.CLOCK_REALTIME)
        after = mono_ns()
        if best is None or after - before < 2 * best[2]:
            best = ((before + after) // 2, real, (after - before + 1) // 2)
    return best


class _Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
                ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("constant", ctypes.c_long), ("precision", ctypes.c_long),
                ("tolerance", ctypes.c_long), ("tv_sec", ctypes.c_long), ("tv_usec", ctypes.c_long), ("tick", ctypes.c_long),
                ("rest", ctypes.c_char * 128)]


_ADJ_FREQUENCY = 0x0002
_ADJ_SETOFFSET = 0x0100
_ADJ_NANO = 0x2000


def _adjust(timex):
    _only_in_a_guest()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(ctypes.byref(timex)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")


def step_wall_clock(step_ns):
    """Moves CLOCK_REALTIME by exactly that much: adjtimex(ADJ_SETOFFSET)."""
    seconds, nanoseconds = divmod(step_ns, 1_000_000_000)
    _adjust(_Timex(modes=_ADJ_SETOFFSET | _ADJ_NANO, tv_sec=seconds, tv_usec=nanoseconds))


def set_wall_clock(realtime_ns):
    """clock_settime, as date -s does it."""
    _only_in_a_guest()
    time.clock_settime_ns(time.CLOCK_REALTIME, realtime_ns)


def slew_wall_clock(ppm):
    """Lets the clocks run faster (slower: negative) by so many parts in a million: no step."""
    _adjust(_Timex(modes=_ADJ_FREQUENCY, freq=ppm << 16))


# ---- Processes.


def threads_of(pid):
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))


def _status_of(pid, tid):
    text = pathlib.Path(f"/proc/{pid}/task/{tid}/status").read_text(encoding="utf-8")
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def allowed_cpus(pid, tid):
    return _status_of(pid, tid)["Cpus_allowed_list"]


def thread_named(pid, name):
    for tid in threads_of(pid):
        try:
            if _status_of(pid, tid)["Name"] == name:
                return tid
        except FileNotFoundError:
            pass  # it ended meanwhile
    raise AssertionError(f"process {pid} has no thread {name}")


def kernel_counts(pid):
    """tid → (voluntary, involuntary, run delay in ns) as the kernel has them; the truth that exact counts are compared with."""
    counts = {}
    for tid in threads_of(pid):
        status = _status_of(pid, tid)
        run_delay_ns = int(pathlib.Path(f"/proc/{pid}/task/{tid}/schedstat").read_text(encoding="utf-8").split()[1])
        counts[tid] = (int(status["voluntary_ctxt_switches"]), int(status["nonvoluntary_ctxt_switches"]), run_delay_ns)
    return counts


def blocked_counts(pid):
    """The same once every thread is blocked and the counts stand still."""
    last = None

    def still():
        nonlocal last
        blocked = all(_status_of(pid, tid)["State"][0] in "ST" for tid in threads_of(pid))
        before, last = last, kernel_counts(pid)
        return last if blocked and before == last else None

    return await_that(still, f"all threads of {pid} are blocked")


def belongings(pid):
    """What a leak would make grow."""
    fds = os.listdir(f"/proc/{pid}/fd")
    resident_pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return {"fds": len(fds), "threads": len(threads_of(pid)), "rss_bytes": resident_pages * os.sysconf("SC_PAGESIZE")}
