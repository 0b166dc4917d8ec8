"""Daemon: a private hftmond in the guest, what it says through hftmon, and the spikes that a stream of it delivers."""

import json
import pathlib
import signal
import subprocess

import machine

SERVER = "unix:/run/hftmond.sock"


class Daemon:
    def __init__(self, *flags):
        self._log = open("/run/hftmond.log", "w+b")
        self.process = subprocess.Popen(["hftmond", "--listen", SERVER, *flags], stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        try:
            machine.await_that(self._answers, lambda: f"the daemon answers; it said: {self.log()}")
        except BaseException:
            self.end()
            raise

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"hftmond ended with {self.process.returncode}: {self.log()}")
        return self._hftmon("status").returncode in (0, 1)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def log(self):
        return pathlib.Path(self._log.name).read_text(encoding="utf-8", errors="replace").strip()

    @staticmethod
    def _hftmon(*arguments):
        return subprocess.run(["hftmon", "--server", SERVER, "--timeout", "60s", *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              timeout=machine.PATIENCE_S)

    def ask(self, *arguments, codes=(0, 1)):
        """The answer's JSON objects, one a line; a warning (exit code 1) is an answer too."""
        done = self._hftmon(*arguments, "--json")
        if done.returncode not in codes:
            raise AssertionError(f"hftmon {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}; the daemon said: {self.log()}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def status(self):
        return self.ask("status")[0]

    def drops(self):
        """name → count of what was dropped and is a loss."""
        return {drop["name"]: drop["count"] for drop in self.status()["drops"] if drop["count"] and drop["data_loss"]}

    def attach(self, pid, *flags):
        self.ask("attach", str(pid), *flags)

    def switches(self, pid, window="all"):
        return self.ask("switches", "--pid", str(pid), "--window", window)[0]

    def end(self):
        """Its exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=machine.PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()
        return self.process.returncode


class SpikeStream:
    """`hftmon spikes --follow` into a file; `spikes` are all that have come."""

    def __init__(self, *flags):
        self._out = open("/run/stream", "w+b")
        self._seen = open("/run/stream", encoding="utf-8")
        self._pending = ""
        self.spikes = []
        self.process = subprocess.Popen(["hftmon", "--server", SERVER, "spikes", "--follow", "--json", *flags], stdin=subprocess.DEVNULL,
                                        stdout=self._out, stderr=subprocess.STDOUT)

    def read(self):
        """Takes what has come; returns all spikes so far."""
        if self.process.poll() is not None:
            raise AssertionError(f"the stream ended with {self.process.returncode}: {self._pending}")
        *lines, self._pending = (self._pending + self._seen.read()).split("\n")
        self.spikes += [json.loads(line) for line in lines if line.startswith("{")]
        return self.spikes

    def await_spike(self, matches, what):
        """The first spike that has not been looked at here and matches."""
        looked_at = len(self.spikes)

        def found():
            nonlocal looked_at
            spikes = self.read()
            fresh, looked_at = spikes[looked_at:], len(spikes)
            return next((spike for spike in fresh if matches(spike)), None)

        return machine.await_that(found, what)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=machine.PATIENCE_S)
        self._out.close()
        self._seen.close()
