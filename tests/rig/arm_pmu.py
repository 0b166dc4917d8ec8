"""Boots Debian's arm64 kernels on emulated CPUs whose counters are exact, and counts there with the counting module.

Called by tests/rig/arm-pmu, which has installed what this needs. The program in the guest says PASS, FAIL or SKIP for each of its cases,
and their sum; a guest whose sum is not what it said has failed. The last line stands alone: "N passed, N failed, N skipped".
"""

import argparse
import pathlib
import re
import signal
import sys
import time

from arm64_packages import Arm64Packages
from arm_guest import MODELS, ArmGuest
from arm_program import SYSROOT_PACKAGES, ArmProgram, BuildFailed
from host_command import Unavailable
from tally import Tally

# What a version is called in Debian 12; the package depends on the present build of it.
META_PACKAGES = {"6.1": "linux-image-arm64", "6.12": "linux-image-6.12-arm64"}
RESULT = re.compile(r"(PASS|FAIL|SKIP) (\S+) ?(.*)")
SUM = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")


def kernel_image(packages, name):
    """The path of a kernel that QEMU can boot: Debian's arm64 images are not compressed.

    `name`: a key of META_PACKAGES or a package's own name.
    """
    package = packages.dependency(META_PACKAGES[name], r"linux-image-\S+") if name in META_PACKAGES else name
    boot = packages.unpacked(f"kernels/{package}", [package], only=("boot",)) / "boot"
    image = next(boot.glob("vmlinuz-*"), None)
    if image is None:
        raise Unavailable(f"the package {package} has no /boot/vmlinuz-*: name one of linux-image-*")
    return image


class GuestResults:
    """What one guest said of its cases, line by line."""

    def __init__(self, name, tally):
        self._name = name
        self._tally = tally
        self._counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
        self._sum = None
        self.said = []

    def take(self, line):
        self.said.append(line)
        if found := RESULT.fullmatch(line):
            outcome, case, text = found.groups()
            self._counts[outcome] += 1
            if outcome == "PASS":
                self._tally.passes()
            else:
                {"FAIL": self._tally.fail, "SKIP": self._tally.skip}[outcome](f"{self._name}: {case}: {text}")
        elif found := SUM.fullmatch(line):
            self._sum = tuple(map(int, found.groups()))
        elif line.startswith("rig: "):
            print(f"    {line[5:]}", flush=True)

    def end(self, fault):
        """`fault`: what went wrong with the guest itself, or ""."""
        counted = tuple(self._counts.values())
        if not fault and not any(counted):
            fault = "the guest ran no case"
        if not fault and self._sum is None:
            fault = "the guest ended without its sum"
        if not fault and self._sum != counted:
            fault = f"the guest's sum is {self._sum}, and {counted} of its lines were read"
        if fault:
            self._tally.fail("\n".join([f"{self._name}: {fault}; it said last:", *self.said[-25:]]))


def run_guest(image, archive, model, folder, timeout_s, tally):
    start_s = time.monotonic()
    results = GuestResults(folder.name, tally)
    with ArmGuest(image, archive, model, folder) as guest:
        results.end(guest.run(timeout_s, results.take))
    print(f"    {time.monotonic() - start_s:.0f} s, console in {guest.console_path}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    for option in ("--work", "--kernel", "--model"):
        parser.add_argument(option, required=True)
    parser.add_argument("--timeout", type=int, required=True)
    arguments = parser.parse_args()
    for model in arguments.model.split(","):
        if model not in MODELS:
            sys.exit(f"arm-pmu: '{model}' is no model: use {', '.join(MODELS)}")
    work = pathlib.Path(arguments.work).resolve()
    # Ends the guest on the way out.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    tally = Tally()
    packages = Arm64Packages(work)
    try:
        archive = ArmProgram(packages.unpacked("sysroot", SYSROOT_PACKAGES), work).archive()
    except (Unavailable, BuildFailed) as reason:
        (tally.skip if isinstance(reason, Unavailable) else tally.fail)(f"the arm64 build: {reason}")
        tally.end()
    for kernel in arguments.kernel.split(","):
        try:
            image = kernel_image(packages, kernel)
        except Unavailable as reason:
            tally.skip(f"kernel {kernel}: {reason}")
            continue
        for model in arguments.model.split(","):
            print(f"{image.name}, {model}", flush=True)
            run_guest(image, archive, model, work / "guests" / f"{kernel}.{model}", arguments.timeout, tally)
    tally.end()


if __name__ == "__main__":
    main()
