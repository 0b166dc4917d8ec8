"""The installed service under a real systemd: it starts, answers, is brought back when it dies, and stops, by systemctl alone."""

import json
import pathlib
import subprocess
import tempfile
import time
import unittest

import host
import python_cases
from container import Container


class BootedService(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        host.need_bpf()
        # What the package would install, installed beside and bound to where it belongs.
        cls.stage = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.stage.cleanup)
        subprocess.run(["cmake", "--install", host.BUILD, "--prefix", "/usr"], check=True, stdout=subprocess.DEVNULL,
                       env={"PATH": "/usr/bin:/bin", "DESTDIR": cls.stage.name})
        stage = pathlib.Path(cls.stage.name)
        installed = [p for p in stage.rglob("*") if p.is_file()]
        cls.files = {f"/{p.relative_to(stage)}": p for p in installed}
        # /usr of the container is the host's, read-only: mount points cannot be made there.
        cls.files = {inside.replace("/usr/lib/systemd/system/", "/etc/systemd/system/").replace("/usr/", "/opt/hftmon/"): outside
                     for inside, outside in cls.files.items()}
        unit = stage / "usr/lib/systemd/system/hftmond.service"
        unit.write_text(unit.read_text(encoding="utf-8").replace("/usr/sbin/", "/opt/hftmon/sbin/"), encoding="utf-8")
        cls.container = cls.enterClassContext(Container(cls.files))

    def tearDown(self):
        self.container.run("systemctl", "stop", "hftmond", check=False)
        self.container.run("systemctl", "reset-failed", "hftmond", check=False)

    def start(self):
        done = self.container.run("systemctl", "start", "hftmond", check=False)
        if done.returncode != 0:
            journal = self.container.run("journalctl", "-u", "hftmond", "--no-pager", "-n", "30", check=False)
            self.fail(f"systemctl start hftmond: {done.stderr}\n{journal.stdout}")

    def show(self, name):
        return self.container.run("systemctl", "show", "--value", "-p", name, "hftmond").stdout.strip()

    def status(self):
        return json.loads(self.container.run("/opt/hftmon/bin/hftmon", "status", "--json").stdout)

    def test_start_returns_when_the_default_socket_answers(self):
        self.start()
        self.assertEqual(self.show("ActiveState"), "active")
        self.assertEqual(self.status()["daemon"]["pid"], int(self.show("MainPID")))

    def test_stop_is_clean_and_leaves_no_socket(self):
        self.start()
        self.container.run("systemctl", "stop", "hftmond")
        self.assertEqual(self.show("Result"), "success")
        self.assertEqual(self.show("ActiveState"), "inactive")
        self.assertNotEqual(self.container.run("test", "-e", "/run/hftmon/hftmond.sock", check=False).returncode, 0)

    def test_a_killed_daemon_comes_back(self):
        self.start()
        first = self.show("MainPID")
        self.container.run("systemctl", "kill", "--signal=KILL", "hftmond")
        deadline = time.monotonic() + host.PATIENCE_S
        while self.show("MainPID") in (first, "0") or self.show("ActiveState") != "active":
            self.assertLess(time.monotonic(), deadline, "systemd did not bring it back")
        self.assertEqual(self.show("NRestarts"), "1")
        self.assertEqual(self.status()["daemon"]["pid"], int(self.show("MainPID")))

    def test_status_works_through_the_units_cage(self):
        self.start()
        status = self.status()
        self.assertTrue(status["probes"], "no BPF program runs")
        # The unit grants what the programs of this kernel take: it does not fall to raw tracepoints.
        if pathlib.Path("/sys/kernel/btf/vmlinux").exists():
            switch = next(probe for probe in status["probes"] if probe["name"] == "on_switch")
            self.assertTrue(switch["attach_point"].startswith("tp_btf/"), switch)


if __name__ == "__main__":
    python_cases.main("booted_service_test")
