"""Guest: one boot of a kernel in QEMU that runs one case and switches itself off.

4 CPUs on 2 NUMA nodes, 2 and 3 isolated as on a trading host (isolcpus, nohz_full, rcu_nocbs); no disk, no network. The CPU is
emulated: behaviour can be asserted there, times cannot. The first serial line carries the kernel's messages and what the case says, the
second its results (JUnit XML). Owner: rig.py; `end` ends what was started, by its pid.
"""

import pathlib
import socket
import subprocess
import time

import time_stamp_counter

MEMORY_MB = 2048
CPUS = 4
# Without huge pages, which the kernel would join on its own account: what a process holds would grow by 2 MiB at some moment.
BOOT_ARGUMENTS = ("console=ttyS0 loglevel=5 isolcpus=2,3 nohz_full=2,3 rcu_nocbs=2,3 audit=0 selinux=0 apparmor=0 mitigations=off panic=-1 "
                  "no_timer_check nokaslr tsc=reliable random.trust_cpu=on transparent_hugepage=never")
# Beside these, by case: interrupts in threads, as a host for real time may have them, are the only ones that can be had at will in a guest.
CASE_ARGUMENTS = {"kernel_load": "threadirqs "}


class Guest:
    def __init__(self, vmlinux, archive, case, folder, use_kvm):
        self._folder = pathlib.Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.console_path = self._folder / "console"
        self.results_path = self._folder / "results.xml"
        self._monitor_path = self._folder / "monitor"
        for path in (self.console_path, self.results_path):
            path.write_bytes(b"")
        # One thread for all emulated CPUs: with a thread each, QEMU before 8.1 may execute an instruction that another CPU has patched
        # meanwhile, and the guest's kernel then dies of, or stands still at, a break point (int3) that was taken away.
        accelerator = ["-accel", "kvm", "-cpu", "host,-arch-capabilities"] if use_kvm else ["-accel", "tcg,thread=single,tb-size=512", "-cpu", "max"]
        clock = "" if use_kvm else f"tsc_early_khz={time_stamp_counter.rate_khz()} "
        half = CPUS // 2
        self._command = ["qemu-system-x86_64", "-machine", "q35", *accelerator, "-smp", f"{CPUS},sockets=2,cores={half},threads=1",
                         "-m", str(MEMORY_MB),
                         "-object", f"memory-backend-ram,id=m0,size={MEMORY_MB // 2}M", "-object", f"memory-backend-ram,id=m1,size={MEMORY_MB // 2}M",
                         "-numa", f"node,nodeid=0,cpus=0-{half - 1},memdev=m0", "-numa", f"node,nodeid=1,cpus={half}-{CPUS - 1},memdev=m1",
                         "-numa", "dist,src=0,dst=1,val=21", "-nodefaults", "-display", "none", "-no-reboot",
                         "-monitor", f"unix:{self._monitor_path},server=on,wait=off", "-serial", f"file:{self.console_path}", "-serial", f"file:{self.results_path}",
                         "-kernel", vmlinux, "-initrd", archive, "-append", f"{BOOT_ARGUMENTS} {CASE_ARGUMENTS.get(case, '')}{clock}hftmon.rig={case}"]
        self._process = None

    def __enter__(self):
        with open(self._folder / "qemu", "wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_):
        self.end()

    def run(self, timeout_s, on_line):
        """Hands each line of the case's own words to on_line until the guest is off. What went wrong, or ""."""
        deadline = time.monotonic() + timeout_s
        with open(self.console_path, encoding="utf-8", errors="replace") as console:
            pending = ""
            while True:
                off = self._process.poll() is not None
                pending += console.read()
                *lines, pending = pending.split("\n")
                for line in lines:
                    on_line(line.rstrip("\r"))
                if off:
                    return "" if self._process.returncode == 0 else f"qemu ended with {self._process.returncode}: {self._words()}"
                if time.monotonic() > deadline:
                    self._save_registers()
                    return (f"the guest did not end within {timeout_s} s (see console and registers in {self._folder}); "
                            "--timeout gives it longer")
                try:
                    self._process.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    pass

    def _save_registers(self):
        """Where each CPU is, for whoever asks why the guest stands still."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as monitor, open(self._folder / "registers", "wb") as out:
                monitor.settimeout(5)
                monitor.connect(str(self._monitor_path))
                monitor.sendall(b"info registers -a\n")
                while chunk := monitor.recv(65536):
                    out.write(chunk)
        except OSError:
            pass  # no more to be had

    def _words(self):
        return (self._folder / "qemu").read_text(encoding="utf-8", errors="replace").strip()[-500:]

    def end(self):
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
