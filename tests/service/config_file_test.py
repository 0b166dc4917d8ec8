"""The example configuration: the daemon takes it as it stands and with every key set, and it names every option there is."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import host
import python_cases

EXAMPLE = host.SOURCE / "systemd" / "hftmond.conf"
NOT_IN_A_FILE = {"help", "version", "config", "check-config"}
KEY = re.compile(r"^#([a-z-]+) = ", re.MULTILINE)


class ConfigFile(unittest.TestCase):
    def check(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "hftmond.conf"
            path.write_text(text, encoding="utf-8")
            return subprocess.run([host.HFTMOND, "--config", path, "--check-config"], capture_output=True, text=True, check=False,
                                  timeout=host.PATIENCE_S)

    def test_the_example_is_sound(self):
        run = self.check(EXAMPLE.read_text(encoding="utf-8"))
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_it_is_sound_with_every_key_set(self):
        run = self.check(KEY.sub(lambda m: m.group()[1:], EXAMPLE.read_text(encoding="utf-8")))
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_it_names_every_option_and_no_other(self):
        text = subprocess.run([host.HFTMOND, "--help"], capture_output=True, text=True, check=True, timeout=host.PATIENCE_S).stdout
        options = set(re.findall(r"--([a-z][a-z-]+)", "\n".join(re.findall(r"^ +(?:-\w,)?--[a-z-]+", text, re.MULTILINE)))) - NOT_IN_A_FILE
        self.assertEqual(set(KEY.findall(EXAMPLE.read_text(encoding="utf-8"))), options)

    def test_an_unknown_key_is_refused_by_name(self):
        run = self.check("treshold = 5\n")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("treshold", run.stdout + run.stderr)


if __name__ == "__main__":
    python_cases.main("config_file_test")
