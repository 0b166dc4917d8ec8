"""PrivateDaemon: found, started, told apart from what is none, and gone with its owner. Stand-ins play hftmond; test_integration.py has the
real one."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import hftmon
import pytest
from hft_resource_monitor import DaemonUnavailableError, HFTResourceMonitor, InsufficientPrivilegesError
from hftmon.private_daemon import find_hftmond

# Says READY=1 as sd_notify does, writes down how it was called, and waits for a signal.
STAND_IN = """\
#!/usr/bin/python3 -B
import os, signal, socket, sys
with open(os.environ["STAND_IN_SAYS"], "w") as file:
    file.write(repr({"pid": os.getpid(), "argv": sys.argv[1:], "cpus": sorted(os.sched_getaffinity(0))}))
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"STATUS=loading", os.environ["NOTIFY_SOCKET"])
notify.sendto(b"READY=1\\nSTATUS=ready", os.environ["NOTIFY_SOCKET"])
signal.sigwait({signal.SIGTERM})
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Makes a program of this text; what it wrote about itself is in `says`."""
    says = tmp_path / "says"
    monkeypatch.setenv("STAND_IN_SAYS", str(says))

    def make(text=STAND_IN):
        program = tmp_path / "hftmond"
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
        return str(program)

    make.says = lambda: eval(says.read_text(encoding="utf-8"))
    return make


def ended(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_it_is_started_on_a_socket_of_its_own_and_leaves_nothing(stand_in):
    cpu = min(os.sched_getaffinity(0))
    daemon = hftmon.PrivateDaemon(stand_in(), arguments=["--spike-threshold", "20us"], cpus=[cpu])
    with daemon:
        folder = pathlib.Path(daemon.address[len("unix:"):]).parent
        assert daemon.running and folder.stat().st_mode & 0o777 == 0o700
        says = stand_in.says()
        assert says == {"pid": daemon.pid, "argv": ["--listen", daemon.address, "--spike-threshold", "20us"], "cpus": [cpu]}
    assert not daemon.running and ended(says["pid"]) and not folder.exists()


def test_it_ends_with_the_program_that_started_it_however_that_ends(stand_in, tmp_path):
    program = textwrap.dedent(f"""\
        import os, signal, sys, threading, hftmon
        daemon = hftmon.PrivateDaemon({stand_in()!r})
        starter = threading.Thread(target=daemon.start)  # a thread that ends is not the program that ends
        starter.start()
        starter.join()
        print(daemon.pid, daemon.running, flush=True)
        sys.stdin.readline()
        os.kill(os.getpid(), signal.SIGKILL)
        """)
    owner = subprocess.Popen([sys.executable, "-B", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pid, running = owner.stdout.readline().split()
    watched = os.pidfd_open(int(pid)) if hasattr(os, "pidfd_open") else None
    assert running == "True" and not ended(int(pid)), "it outlives the thread that started it"
    owner.communicate("\n")
    if watched is not None:
        import select

        assert select.select([watched], [], [], 30)[0], "it ends when its owner was killed"
        os.close(watched)


def test_one_that_ends_at_once_is_told_with_its_own_words(stand_in):
    program = stand_in("#!/bin/sh\necho 'hftmond: no BTF: boot another kernel' >&2\nexit 3\n")
    with pytest.raises(hftmon.HftmonError, match="ended with 3 as it started.*no BTF"):
        hftmon.PrivateDaemon(program).start()
    with pytest.raises((DaemonUnavailableError, InsufficientPrivilegesError), match="no BTF"):
        HFTResourceMonitor(private=True, hftmond=program).start_monitoring()


def test_without_privileges_the_error_says_so(stand_in, monkeypatch):
    program = stand_in("#!/bin/sh\nexit 3\n")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(hftmon.PermissionDeniedError, match="run this program as root, or let it use a running hftmond"):
        hftmon.PrivateDaemon(program).start()
    with pytest.raises(InsufficientPrivilegesError):
        HFTResourceMonitor(private=True, hftmond=program).start_monitoring()


def test_one_that_is_no_program_is_told(tmp_path, monkeypatch):
    with pytest.raises(hftmon.NotFoundError, match="which is no program"):
        find_hftmond(str(tmp_path / "none"))
    monkeypatch.setenv("HFTMOND", str(tmp_path))
    with pytest.raises(hftmon.NotFoundError, match="HFTMOND names"):
        find_hftmond()
    broken = tmp_path / "hftmond"
    broken.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(hftmon.UnavailableError, match="cannot be run"):
        hftmon.PrivateDaemon(str(broken)).start()


def test_it_is_found_by_argument_environment_and_path(stand_in, tmp_path, monkeypatch):
    program = stand_in()
    assert find_hftmond(program) == program
    monkeypatch.setenv("HFTMOND", program)
    assert find_hftmond() == program
    monkeypatch.delenv("HFTMOND")
    monkeypatch.setattr("hftmon.private_daemon.__file__", str(tmp_path / "site" / "hftmon" / "private_daemon.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_hftmond() == program


def test_one_that_ignores_sigterm_is_killed(stand_in, monkeypatch):
    monkeypatch.setattr("hftmon.private_daemon.STOP_S", 0.2)
    daemon = hftmon.PrivateDaemon(stand_in(STAND_IN.replace("signal.sigwait({signal.SIGTERM})", "signal.sigwait({signal.SIGUSR1})").replace(
        "notify =", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nnotify =", 1)))
    daemon.start()
    pid = daemon.pid
    daemon.stop()
    assert ended(pid) and daemon._process.returncode == -signal.SIGKILL


def test_one_that_never_becomes_ready_is_given_up(stand_in, monkeypatch):
    monkeypatch.setattr("hftmon.private_daemon.START_S", 0.5)
    daemon = hftmon.PrivateDaemon(stand_in(STAND_IN.replace("READY=1", "STATUS=1")))
    with pytest.raises(hftmon.UnavailableError, match="did not become ready"):
        daemon.start()
    assert ended(stand_in.says()["pid"])
