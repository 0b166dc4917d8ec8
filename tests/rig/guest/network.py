"""The network card of the machine with three nodes: eth0, and what makes its interrupts come.

QEMU's own network answers at 10.0.2.2: each request for a file by TFTP, which it serves none of, gets one datagram back.
Reads: /proc/interrupts, /proc/irq. Changes: eth0's address.
"""

import pathlib
import re
import socket
import subprocess

import machine

INTERFACE = "eth0"
HOST = ("10.0.2.2", 69)
REQUEST = b"\0\1nothing\0octet\0"


def start():
    """Loads the driver and waits until the network answers."""
    machine.load_module("e1000e")
    machine.await_that(lambda: pathlib.Path(f"/sys/class/net/{INTERFACE}").exists(), f"there is an {INTERFACE}")
    if "10.0.2.15" not in subprocess.run(["ip", "addr", "show", INTERFACE], capture_output=True, text=True, check=True, timeout=60).stdout:
        subprocess.run(["ip", "addr", "add", "10.0.2.15/24", "dev", INTERFACE], check=True, timeout=60)
    subprocess.run(["ip", "link", "set", INTERFACE, "up"], check=True, timeout=60)
    machine.await_that(lambda: exchange(1, 1.0), "10.0.2.2 answers")


def exchange(count, patience_s=machine.PATIENCE_S):
    """Sends so many requests, each when the last one's answer is there; how many answers came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(patience_s)
        answers = 0
        for _ in range(count):
            asker.sendto(REQUEST, HOST)
            try:
                answers += bool(asker.recv(2048))
            except TimeoutError:
                break
        return answers


def line_of(handler):
    """The number of the interrupt whose handler is called so."""
    for row in pathlib.Path("/proc/interrupts").read_text(encoding="utf-8").splitlines():
        if row.split()[-1:] == [handler]:
            return int(row.split(":")[0])
    raise AssertionError(f"/proc/interrupts has no {handler}: {pathlib.Path('/proc/interrupts').read_text(encoding='utf-8')}")


def counts_of(irq):
    """CPU → how often it came there."""
    header, *rows = pathlib.Path("/proc/interrupts").read_text(encoding="utf-8").splitlines()
    cpus = [int(number) for number in re.findall(r"CPU(\d+)", header)]
    row = next(row for row in rows if row.split(":")[0].strip() == str(irq))
    return dict(zip(cpus, map(int, row.split(":")[1].split()[: len(cpus)])))


def affinity_of(irq):
    """What it may go to; where it goes, effective_affinity_list, changes with its next one alone."""
    return pathlib.Path(f"/proc/irq/{irq}/smp_affinity_list").read_text(encoding="utf-8").strip()
