"""VirtualMachine: one run of QEMU, from its start until it is off.

The machine's console, and what QEMU itself says, are files in its folder. Owner: whoever enters it (`with`); leaving it ends QEMU, by its
pid.
"""

import pathlib
import socket
import subprocess
import time


class VirtualMachine:
    def __init__(self, folder, command, further_lines=()):
        """`command` is QEMU's own; the console, as the first serial line, and the monitor are added.

        further_lines: the names of the files of the next ones.
        """
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.console_path = self.folder / "console"
        self._monitor_path = self.folder / "monitor"
        self._command = [*command, "-monitor", f"unix:{self._monitor_path},server=on,wait=off"]
        for path in (self.console_path, *(self.folder / name for name in further_lines)):
            path.write_bytes(b"")
            self._command += ["-serial", f"file:{path}"]
        self._process = None

    def __enter__(self):
        with open(self.folder / "qemu", "wb") as log:
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
                    return (f"the guest did not end within {timeout_s} s (see console and registers in {self.folder}); "
                            "--timeout gives it longer")
                try:
                    self._process.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    pass

    def _save_registers(self):
        """Where each CPU is, for whoever asks why the guest stands still."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as monitor, open(self.folder / "registers", "wb") as out:
                monitor.settimeout(5)
                monitor.connect(str(self._monitor_path))
                monitor.sendall(b"info registers -a\n")
                while chunk := monitor.recv(65536):
                    out.write(chunk)
        except OSError:
            pass  # no more to be had

    def _words(self):
        return (self.folder / "qemu").read_text(encoding="utf-8", errors="replace").strip()[-500:]

    def end(self):
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
