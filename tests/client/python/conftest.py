"""Fixtures of the Python client's tests: a fake daemon, and, for those that need a kernel, a real one and processes to watch."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

BUILD = pathlib.Path(os.environ.get("HFTMON_BUILD_DIR", pathlib.Path(__file__).resolve().parents[3] / "build"))
SOURCE = pathlib.Path(os.environ.get("HFTMON_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
HFTMOND = BUILD / "bin" / "hftmond"
WORKLOADS = BUILD / "bin" / "tests"


@pytest.fixture
def fake():
    from fake_monitor import FakeMonitor

    monitor = FakeMonitor()
    yield monitor
    monitor.stop()
    assert not monitor.unexpected, "calls that the test did not expect"


@pytest.fixture(scope="session")
def kernel():
    """Skips, with the reason, where a daemon cannot do its work."""
    if os.geteuid() != 0:
        pytest.skip("only root may load BPF programs: run sudo tests/run")
    if not pathlib.Path("/sys/kernel/btf/vmlinux").exists():
        pytest.skip("this kernel has no BTF (/sys/kernel/btf/vmlinux): boot one with CONFIG_DEBUG_INFO_BTF=y")
    if not HFTMOND.exists():
        pytest.skip(f"{HFTMOND} is not built: ninja -C build hftmond")


@pytest.fixture(scope="session")
def daemon(kernel):
    """One hftmond for a file's tests."""
    import hftmon

    with hftmon.PrivateDaemon(str(HFTMOND)) as running:
        yield running


class Workload:
    """A workload of tests/workloads, interactive: it says what it is, acts at a word, and stands still after its result until the next."""

    def __init__(self, name, *arguments):
        self._process = subprocess.Popen([str(WORKLOADS / name), "--interactive", *map(str, arguments)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE,
                                         text=True)
        self.about = self.read()
        self.pid = self._process.pid

    def read(self):
        return json.loads(self._process.stdout.readline())

    def say(self, word=""):
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def act(self, word=""):
        """Its result."""
        self.say(word)
        return self.read()

    def end(self):
        """Whatever it is at: this one process."""
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def workload():
    """workload(NAME, ARGUMENTS…) starts one; all end with the test."""
    started = []

    def start(name, *arguments):
        if not (WORKLOADS / name).exists():
            pytest.skip(f"{WORKLOADS / name} is not built: ninja -C build hftmon_workloads")
        started.append(Workload(name, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.end()
