"""The rate of the host's time stamp counter, which an emulated CPU hands through: the guest is told it, because what it would measure itself on a
busy host may be several times off, and all its clocks with it."""

import ctypes
import mmap
import time

# rdtsc; shl rdx, 32; or rax, rdx; ret
_READ = bytes.fromhex("0f3148c1e2204809d0c3")
_MEASURED_NS = 200_000_000


def rate_khz():
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(_READ)
    read_ticks = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))

    def pair():
        # The tightest of some: a reading that was interrupted is off.
        readings = []
        for _ in range(20):
            before_ns = time.monotonic_ns()
            ticks = read_ticks()
            after_ns = time.monotonic_ns()
            readings.append((after_ns - before_ns, ticks, (before_ns + after_ns) // 2))
        return min(readings)[1:]

    first_ticks, first_ns = pair()
    while time.monotonic_ns() < first_ns + _MEASURED_NS:
        pass
    ticks, now_ns = pair()
    return round((ticks - first_ticks) * 1_000_000 / (now_ns - first_ns))
