"""The unit file: systemd accepts it, and it keeps the daemon in as small a cage as it needs."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import host
import python_cases

UNIT = host.SOURCE / "systemd" / "hftmond.service"
# systemd-analyze's exposure in tenths (100 is the worst), measured with version 252; only ever lower it.
EXPOSURE_MAX = 30


class UnitFile(unittest.TestCase):
    def staged(self, folder):
        """A copy whose programs are those of the build: verify wants them to exist."""
        text = UNIT.read_text(encoding="utf-8").replace("/usr/sbin/hftmond", str(host.HFTMOND))
        path = pathlib.Path(folder) / "hftmond.service"
        path.write_text(text, encoding="utf-8")
        return path

    def test_systemd_accepts_every_line(self):
        analyze = host.need_tool("systemd-analyze", "systemd")
        with tempfile.TemporaryDirectory() as folder:
            path = self.staged(folder)
            run = subprocess.run([analyze, "verify", "--man=no", path], capture_output=True, text=True, check=False)
            # Other units of this host may have faults of their own.
            ours = [line for line in run.stderr.splitlines() if "hftmond" in line]
            self.assertEqual(ours, [])

    def test_verify_would_have_seen_a_wrong_line(self):
        analyze = host.need_tool("systemd-analyze", "systemd")
        with tempfile.TemporaryDirectory() as folder:
            path = self.staged(folder)
            path.write_text(path.read_text(encoding="utf-8").replace("[Service]", "[Service]\nNoSuchSetting=1"), encoding="utf-8")
            run = subprocess.run([analyze, "verify", "--man=no", path], capture_output=True, text=True, check=False)
            self.assertIn("NoSuchSetting", run.stderr)

    def test_its_exposure_does_not_grow(self):
        analyze = host.need_tool("systemd-analyze", "systemd")
        with tempfile.TemporaryDirectory() as folder:
            command = [analyze, "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}", self.staged(folder)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stdout[-2000:] + run.stderr)

    def test_it_says_when_it_is_ready_and_is_watched(self):
        settings = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE))
        self.assertEqual(settings["Type"], "notify")
        self.assertIn("WatchdogSec", settings)
        self.assertEqual(settings["Restart"], "on-failure")

    def test_a_reload_checks_the_file_before_the_daemon_hears_of_it(self):
        commands = re.findall(r"^ExecReload=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
        start = re.search(r"^ExecStart=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE).group(1)
        self.assertEqual(commands, [f"{start} --check-config", "/bin/kill -HUP $MAINPID"])


if __name__ == "__main__":
    python_cases.main("unit_file_test")
