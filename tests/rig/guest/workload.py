"""Workload: one of tests/workloads, run interactively: a line on its stdin is its turn, a line on its stdout is what it did.

`under` is a command that runs it, as ("numactl", "--membind=1").
"""

import json
import os
import subprocess


class Workload:
    def __init__(self, name, *arguments, under=()):
        # As taskset would: the isolated CPUs are in nobody's mask.
        self._process = subprocess.Popen([*under, name, "--interactive", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                         preexec_fn=lambda: os.sched_setaffinity(0, range(os.cpu_count())))
        self.about = self._read()

    @property
    def pid(self):
        return self._process.pid

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"{self._process.args[0]} ended with {self._process.wait()}")
        return json.loads(line)

    def say(self, line="go"):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def act(self, line="go"):
        """Its turn, and the result."""
        self.say(line)
        return self._read()

    def end(self):
        self._process.stdin.close()
        self._process.stdout.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
