"""A systemd that boots from this host's own /usr on the host's kernel (systemd-nspawn --volatile=yes), with files of ours laid over it.

Nothing of the host can be written: / is a fresh tmpfs, /usr is read-only, the network is the container's own, sysctls stay as they are.
It boots in about a second. Owner: a test; `with Container(...)` ends it on every way out.
"""

import pathlib
import subprocess
import tempfile
import unittest

import host


class Container:
    def __init__(self, files):
        """files: path inside → file outside, bound read-only."""
        self._nspawn = host.need_tool("systemd-nspawn", "systemd-container")
        self._nsenter = host.need_tool("nsenter", "util-linux")
        self._files = files
        self._process = None
        self._leader = None

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._log = open(pathlib.Path(self._folder.name) / "console", "w+", encoding="utf-8", errors="replace")
        notify = host.NotifySocket(pathlib.Path(self._folder.name) / "notify")
        command = [self._nspawn, "--directory=/", "--volatile=yes", "--register=no", "--keep-unit", "--boot", "--notify-ready=yes",
                   "--console=pipe", "--private-network", "--capability=all", "--system-call-filter=bpf perf_event_open @privileged",
                   "--bind=/sys/kernel/tracing"]
        command += [f"--bind-ro={outside}:{inside}" for inside, outside in self._files.items()]
        command += ["--", "systemd.unit=basic.target", "systemd.mask=systemd-sysctl.service"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
                                         env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": notify.path,
                                              "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        try:
            self._wait_until_booted(notify)
        except BaseException:
            self.__exit__()
            raise
        finally:
            notify.close()
        return self

    def _wait_until_booted(self, notify):
        # A container that cannot start ends at once; one that starts says so. Whichever comes first decides.
        while True:
            notify._socket.settimeout(0.2)
            try:
                message = notify.wait_for("X_NSPAWN_LEADER_PID") if self._leader is None else notify.wait_for("READY", "1")
            except TimeoutError:
                if self._process.poll() is not None:
                    raise unittest.SkipTest(f"systemd-nspawn cannot boot a container here: {self.console()[-300:].strip()}") from None
                continue
            if self._leader is None:
                self._leader = message["X_NSPAWN_LEADER_PID"]
            if message.get("READY") == "1":
                return

    def console(self):
        self._log.flush()
        self._log.seek(0)
        return self._log.read()

    def run(self, *command, check=True):
        """Runs a command inside; returns the completed process. With `check`, a failure raises with all it said."""
        inside = [self._nsenter, "-t", self._leader, "-m", "-p", "-u", "-n", "-i", "--", *command]
        done = subprocess.run(inside, capture_output=True, text=True, check=False, timeout=host.PATIENCE_S, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def __exit__(self, *_):
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        self._folder.cleanup()
