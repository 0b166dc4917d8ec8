"""What the daemon tells the service manager, seen by a stand-in for systemd: READY=1 when it answers, WATCHDOG=1 while it lives, STOPPING=1."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

import host
import python_cases


class Daemon:
    """A private hftmond whose notifications come here."""

    def __init__(self, folder, *arguments, watchdog_us=None):
        self.notify = host.NotifySocket(pathlib.Path(folder) / "notify")
        environment = {**os.environ, "NOTIFY_SOCKET": self.notify.path}
        environment.pop("WATCHDOG_PID", None)
        if watchdog_us is not None:
            environment["WATCHDOG_USEC"] = str(watchdog_us)
        self.socket_path = str(pathlib.Path(folder) / "hftmond.sock")
        self.process = subprocess.Popen([host.HFTMOND, *(arguments or ("--listen", f"unix:{self.socket_path}"))], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.notify.close()

    def end(self, number=signal.SIGTERM):
        """(exit code, output)"""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=host.PATIENCE_S)
        return self.process.returncode, output


class Notify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        host.need_bpf()

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = self._folder.name

    def test_ready_comes_when_the_socket_already_answers(self):
        with Daemon(self.folder) as daemon:
            daemon.notify.wait_for("READY", "1")
            # At the first try: a client that systemd starts after READY=1 finds it.
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.connect(daemon.socket_path)
            run = subprocess.run([host.HFTMON, "--server", f"unix:{daemon.socket_path}", "status"], capture_output=True, text=True, check=False,
                                 timeout=host.PATIENCE_S)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_stopping_is_announced_and_the_end_is_clean(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number), tempfile.TemporaryDirectory() as folder, Daemon(folder) as daemon:
                daemon.notify.wait_for("READY", "1")
                code, output = daemon.end(number)
                self.assertEqual(code, 0, output)
                self.assertTrue(any(m.get("STOPPING") == "1" for m in daemon.notify.pending()), daemon.notify.messages)
                self.assertFalse(os.path.exists(daemon.socket_path), "the socket's file is still there")

    def test_a_reload_is_announced_and_ends_whether_the_file_is_sound_or_not(self):
        file = pathlib.Path(self.folder) / "hftmond.conf"
        file.write_text("targets_max: 5\n", encoding="utf-8")
        with Daemon(self.folder, "--config", file, "--listen", f"unix:{self.folder}/hftmond.sock") as daemon:
            daemon.notify.wait_for("READY", "1")
            for text in ("targets_max: 6\nthreads_max: 77\n", "targets_max: 0\n"):
                file.write_text(text, encoding="utf-8")
                daemon.process.send_signal(signal.SIGHUP)
                self.assertGreater(int(daemon.notify.wait_for("RELOADING", "1")["MONOTONIC_USEC"]), 0)
                daemon.notify.wait_for("READY", "1")
            self.assertIn("refused", daemon.notify.messages[-1]["STATUS"])
            code, output = daemon.end()
            self.assertEqual(code, 0, output)
            self.assertIn("in force after a restart: threads_max (77, in force 16384)", output)
            self.assertIn(f"{file}:1:1: targets_max is 0: give 1 to 65536 targets", output)

    def test_the_watchdog_is_fed_while_the_loop_runs(self):
        with Daemon(self.folder, watchdog_us=2_000_000) as daemon:
            daemon.notify.wait_for("READY", "1")
            daemon.notify.wait_for("WATCHDOG", "1")
            daemon.notify.wait_for("WATCHDOG", "1")

    def test_a_start_that_fails_is_never_ready_and_says_why(self):
        with Daemon(self.folder, "--listen", "unix:/proc/no-socket-can-be-here") as daemon:
            output, _ = daemon.process.communicate(timeout=host.PATIENCE_S)
            self.assertNotEqual(daemon.process.returncode, 0)
            self.assertIn("/proc/no-socket-can-be-here", output)
            self.assertFalse(any("READY" in m for m in daemon.notify.pending()), daemon.notify.messages)


if __name__ == "__main__":
    python_cases.main("notify_test")
