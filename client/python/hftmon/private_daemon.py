"""PrivateDaemon: a hftmond of this program's own, on a socket that nobody else can reach.

Owner: whoever made it; start and stop by one thread at a time. The daemon ends with stop(), with the `with` block, and with this process
however that ends (PR_SET_PDEATHSIG; its folder stays where this process was killed). The signal comes when the thread that forked ends, so
a thread of this object's forks and stays.
Bounds: START_S to become ready, STOP_S to end before it is killed.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from typing import Any, Iterable, List, Optional, Sequence

from hftmon.errors import HftmonError, NotFoundError, PermissionDeniedError, UnavailableError

START_S = 120.0  # loading the programs takes 2 to 10 s; with ten others in line for each CPU 50 were seen
STOP_S = 30.0
LOG_LINES = 12  # of the daemon's own words, in an error
_LOOK_S = 0.1  # how soon a daemon is noticed that ends without a word
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)  # loaded before any fork


def find_hftmond(path: Optional[str] = None) -> str:
    """`path`, else HFTMOND, else build/bin of the source tree that this package was built in, else PATH and the sbin folders.
    NotFoundError."""
    for named, where in ((path, "hftmond="), (os.environ.get("HFTMOND"), "HFTMOND")):
        if named:
            if os.access(named, os.X_OK) and os.path.isfile(named):
                return os.path.abspath(named)
            raise NotFoundError(f"{where} names {named}, which is no program: give the path of hftmond")
    built = pathlib.Path(__file__).absolute().parents[2] / "bin" / "hftmond"
    if os.access(built, os.X_OK):
        return str(built)
    found = shutil.which("hftmond", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin"]))
    if found is None:
        mend = "install hftmon, put hftmond into PATH, or name it by HFTMOND"
        raise NotFoundError(f"no hftmond is found beside this package, in PATH or in /usr/sbin: {mend}", mend=mend)
    return found


class PrivateDaemon:
    """`arguments`: hftmond's flags after --listen; `cpus`: where it may run; empty: where this thread may."""

    def __init__(self, hftmond: Optional[str] = None, *, arguments: Sequence[str] = (), cpus: Iterable[int] = ()) -> None:
        self._hftmond = hftmond
        self._arguments = list(arguments)
        self._cpus = sorted(set(cpus))
        self._folder = ""
        self._process: Any = None
        self._forked = threading.Event()
        self._fork_error: Optional[OSError] = None
        self._keeper: Optional[threading.Thread] = None

    @property
    def address(self) -> str:
        return f"unix:{self._folder}/hftmond.sock"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> PrivateDaemon:
        """Returns when it answers. HftmonError: it cannot be found, may not do its work, or did not become ready; with its own words."""
        command = [find_hftmond(self._hftmond)]
        self._folder = tempfile.mkdtemp(prefix="hftmon-private.")  # mode 0700
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            notify.bind(self._folder + "/notify")
            notify.settimeout(_LOOK_S)
            self._fork(command + ["--listen", self.address, *self._arguments])
            self._await_ready(notify)
        except BaseException:
            self.stop()
            raise
        finally:
            notify.close()
        return self

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after STOP_S. Nothing stays behind."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._keeper is not None:
            self._keeper.join()
            self._keeper = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def __enter__(self) -> PrivateDaemon:
        return self.start()

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def log(self) -> str:
        """The end of what it wrote."""
        try:
            with open(self._folder + "/hftmond.log", encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-LOG_LINES:]).strip()
        except OSError:
            return ""

    def _fork(self, command: List[str]) -> None:
        self._forked.clear()
        self._fork_error = None
        self._keeper = threading.Thread(target=self._keep, args=(command, os.getpid()), name="hftmond keeper", daemon=True)
        self._keeper.start()
        self._forked.wait()
        if self._fork_error is not None:
            raise UnavailableError(f"{command[0]} cannot be run: {self._fork_error}") from self._fork_error

    def _keep(self, command: List[str], parent: int) -> None:
        cpus = self._cpus

        def in_child() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it has gone already
                os._exit(1)
            if cpus:
                os.sched_setaffinity(0, cpus)

        try:
            with open(self._folder + "/hftmond.log", "wb") as log:
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=in_child,
                                                 env={**os.environ, "NOTIFY_SOCKET": self._folder + "/notify"})
        except (OSError, subprocess.SubprocessError) as error:
            self._fork_error = error if isinstance(error, OSError) else OSError(str(error))
            return
        finally:
            self._forked.set()
        self._process.wait()

    def _await_ready(self, notify: socket.socket) -> None:
        """Until it says READY=1 to its service manager, which is this object."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            try:
                if b"READY=1" in notify.recv(4096):
                    return
            except socket.timeout:
                if self._process.poll() is not None:
                    raise self._explain(f"hftmond ended with {self._process.returncode} as it started") from None
        raise self._explain(f"hftmond did not become ready within {START_S:.0f} s")

    def _explain(self, what: str) -> HftmonError:
        words = self.log() or "it said nothing"
        if os.geteuid() != 0:
            mend = "run this program as root, or let it use a running hftmond"
            return PermissionDeniedError(f"{what}: loading BPF programs takes root or the capabilities of hftmond.service: {mend}; "
                                         f"hftmond: {words}", mend=mend)
        return UnavailableError(f"{what}: {words}")
