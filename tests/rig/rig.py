"""Boots each kernel once for each case, and sums up. Called by tests/rig/run, which has installed and built what this needs.

The last line stands alone: "N passed, N failed, N skipped". Ends with 0 when nothing failed, else 1.
"""

import argparse
import pathlib
import shutil
import signal
import sys
import time
import xml.etree.ElementTree as ElementTree

import initramfs
from guest import MODULES, Guest
from guest_root import GuestRoot
from host_command import Unavailable
from kernel import Kernel
from tally import Tally

CASES = ("kernel_load", "hot_unplug", "clock_step", "numa", "advice", "audit")


def read_results(path):
    """The cases of one guest; none when it did not come to its end."""
    try:
        return ElementTree.parse(path).getroot().findall("./testsuite/testcase")
    except (ElementTree.ParseError, OSError):
        return []


def take(tally, results):
    """Counts one guest's results."""
    for case in results:
        name = f"{case.get('classname')}.{case.get('name')}"
        if (failure := case.find("failure")) is not None:
            tally.fail(f"{name}\n{failure.get('message')}")
        elif (skipped := case.find("skipped")) is not None:
            tally.skip(f"{name}: {skipped.get('message')}")
        else:
            tally.passes()


def run_case(vmlinux, archive, case, folder, arguments, tally):
    start_s = time.monotonic()
    said = []

    def on_line(line):
        if line.startswith("rig: "):
            print(f"    {line[5:]}", flush=True)
        said.append(line)

    with Guest(vmlinux, archive, case, folder, arguments.kvm) as guest:
        fault = guest.run(arguments.timeout, on_line)
    results = read_results(guest.results_path)
    take(tally, results)
    if fault or not results:
        tally.fail("\n".join([f"{folder.name}: {fault or 'the guest ended without results'}; it said last:", *said[-25:]]))
    print(f"    {time.monotonic() - start_s:.0f} s, console in {guest.console_path}", flush=True)


def with_modules(kernel, archive, names, folder):
    """The archive and these of the kernel's modules, as one."""
    modules = folder / "modules"
    inside = modules / "usr" / "lib" / "modules"
    inside.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(kernel.module(name), inside)
    initramfs.pack(modules, folder / "modules.cpio")
    initramfs.join((archive, folder / "modules.cpio"), folder / "root.cpio")
    return folder / "root.cpio"


def run_kernel(kernel, cases, archive, work, arguments, tally):
    try:
        vmlinux = kernel.vmlinux()
    except Unavailable as reason:
        tally.skip(str(reason))
        return
    for case in cases:
        print(f"{kernel.package}: {case}", flush=True)
        folder = work / "guests" / f"{kernel.name}.{case}"
        try:
            used = with_modules(kernel, archive, MODULES[case], folder) if case in MODULES else archive
        except Unavailable as reason:
            tally.skip(f"{case}: {reason}")
            continue
        run_case(vmlinux, used, case, folder, arguments, tally)


def chosen(text, known, what):
    names = [name for name in text.split(",") if name]
    for name in names:
        if known and name not in known:
            sys.exit(f"rig: '{name}' is no {what}: use {', '.join(known)}")
    return names


def main():
    parser = argparse.ArgumentParser()
    for option in ("--build-dir", "--work", "--kernel", "--case"):
        parser.add_argument(option, required=True)
    parser.add_argument("--timeout", type=int, required=True)
    parser.add_argument("--kvm", action="store_true")
    arguments = parser.parse_args()
    cases = chosen(arguments.case, CASES, "case")
    work = pathlib.Path(arguments.work).resolve()
    # Ends the guest on the way out.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    archive = GuestRoot(arguments.build_dir, work).make(work / "root.cpio")
    tally = Tally()
    for name in chosen(arguments.kernel, (), "kernel"):
        try:
            kernel = Kernel(name, work)
        except Unavailable as reason:
            tally.skip(str(reason))
            continue
        run_kernel(kernel, cases, archive, work, arguments, tally)
    tally.end()


if __name__ == "__main__":
    main()
