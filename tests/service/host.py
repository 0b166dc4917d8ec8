"""What the service tests share: where things are, what this host must offer, and a stand-in for systemd's notification socket."""

import os
import pathlib
import shutil
import socket
import unittest

SOURCE = pathlib.Path(os.environ.get("HFTMON_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("HFTMON_BUILD_DIR", SOURCE / "build"))
HFTMOND = BUILD / "bin" / "hftmond"
HFTMON = BUILD / "bin" / "hftmon"
PATIENCE_S = 60  # how long an event may take before the test gives up; no test waits that long when all is well


def need_root():
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root may load BPF programs or boot a container: run sudo tests/run")


def need_bpf():
    need_root()
    if not pathlib.Path("/sys/kernel/btf/vmlinux").exists():
        raise unittest.SkipTest("this kernel has no BTF (/sys/kernel/btf/vmlinux): boot one with CONFIG_DEBUG_INFO_BTF=y")


def need_tool(name, package):
    path = shutil.which(name)
    if path is None:
        raise unittest.SkipTest(f"{name} is not installed: apt-get install {package}")
    return path


class NotifySocket:
    """The receiving end of sd_notify: each datagram is a set of NAME=VALUE lines."""

    def __init__(self, path):
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(PATIENCE_S)
        self.messages = []  # all that came, as dictionaries

    def wait_for(self, name, value=None):
        """Blocks until a message has this name (and value); returns the message. TimeoutError with what came instead."""
        while True:
            try:
                text = self._socket.recv(65536).decode()
            except TimeoutError as error:
                raise TimeoutError(f"no {name}={value or '…'} within {PATIENCE_S} s; came: {self.messages}") from error
            message = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
            self.messages.append(message)
            if name in message and value in (None, message[name]):
                return message

    def pending(self):
        """What has come and was not waited for, without blocking."""
        self._socket.setblocking(False)
        try:
            while True:
                self.messages.append(dict(line.split("=", 1) for line in self._socket.recv(65536).decode().splitlines() if "=" in line))
        except BlockingIOError:
            return self.messages
        finally:
            self._socket.settimeout(PATIENCE_S)

    def close(self):
        self._socket.close()
