"""Where `cmake --install` puts things: what a package builder stages with DESTDIR is whole."""

import pathlib
import subprocess
import tempfile
import unittest

import host
import python_cases

EXPECTED = {
    "usr/sbin/hftmond",
    "usr/bin/hftmon",
    "usr/lib/systemd/system/hftmond.service",
    "etc/hftmon/hftmond.conf",
    "usr/share/man/man1/hftmon.1",
    "usr/share/man/man1/hftmon-spikes.1",
    "usr/share/man/man8/hftmond.8",
    "usr/share/bash-completion/completions/hftmon",
    "usr/share/zsh/site-functions/_hftmon",
    "usr/share/fish/vendor_completions.d/hftmon.fish",
    "usr/share/doc/hftmon/ci/github-workflow.yml",
}


class InstalledFiles(unittest.TestCase):
    def test_each_stands_at_its_place_and_holds_something(self):
        host.need_tool("cmake", "cmake")
        with tempfile.TemporaryDirectory() as stage:
            subprocess.run(["cmake", "--install", host.BUILD, "--prefix", "/usr"], check=True, stdout=subprocess.DEVNULL,
                           env={"PATH": "/usr/bin:/bin", "DESTDIR": stage})
            root = pathlib.Path(stage)
            self.assertEqual({path for path in EXPECTED if not (root / path).is_file() or (root / path).stat().st_size == 0}, set())
            verbs = {path.name for path in (root / "usr/share/man/man1").iterdir()}
            # The binary that was installed says which verbs there are.
            offered = subprocess.run([root / "usr/bin/hftmon", "help"], check=True, capture_output=True, text=True).stdout
            named = offered.split("Subcommands:\n")[1].split("\n\n")[0].splitlines()
            self.assertEqual({f"hftmon-{line.split()[0]}.1" for line in named if line.startswith("  ") and line[2] != " "} | {"hftmon.1"}, verbs)


if __name__ == "__main__":
    python_cases.main("installed_files_test")
