"""The example configuration: the daemon takes it as it stands and with every key set, and it names every option there is."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import host
import python_cases

EXAMPLE = host.SOURCE / "systemd" / "hftmond.conf"
NOT_IN_A_FILE = {"help", "version", "config", "check-config", "print-config"}
SCHEMA = host.SOURCE / "proto" / "hftmon" / "v1" / "config.proto"
KEY = re.compile(r"^#([a-z_]+): ", re.MULTILINE)


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
        self.assertEqual({key.replace("_", "-") for key in KEY.findall(EXAMPLE.read_text(encoding="utf-8"))}, options)

    def test_it_is_what_the_daemon_prints(self):
        run = subprocess.run([host.HFTMOND, "--print-config"], capture_output=True, text=True, check=True, timeout=host.PATIENCE_S)
        self.assertEqual(EXAMPLE.read_text(encoding="utf-8"), run.stdout, "hftmond --print-config > systemd/hftmond.conf mends it")

    def test_the_schema_says_of_each_field_what_the_example_says(self):
        in_schema = {}
        for comment, field in re.findall(r"((?:^  //.*\n)+)^  (?:optional|repeated) \w+ (\w+) = ", SCHEMA.read_text(encoding="utf-8"), re.MULTILINE):
            in_schema[field] = " ".join(line.removeprefix("  // ") for line in comment.splitlines())
        in_example = {}
        for comment, field in re.findall(r"((?:^# .*\n)+)^#([a-z_]+): ", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE):
            in_example[field] = " ".join(line.removeprefix("# ") for line in comment.splitlines())
        self.assertEqual(in_schema, in_example)

    def test_an_unknown_key_is_refused_by_name_and_place(self):
        run = self.check("targets_max: 5\n  treshold: 5\n")
        self.assertEqual(run.returncode, 3)
        self.assertRegex(run.stdout + run.stderr, r"hftmond\.conf:2:3: there is no setting 'treshold'")

    def test_every_fault_is_said(self):
        run = self.check('targets_max: 0\nmode: "warp"\nnice: "x"\n')
        self.assertEqual([line.split(":")[1] for line in (run.stdout + run.stderr).splitlines()], ["1", "2", "3"])


if __name__ == "__main__":
    python_cases.main("config_file_test")
