"""timed_interrupts says of an event that did not come that it was missed, and keeps no time of it."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

import python_cases

WORKLOAD = pathlib.Path(os.environ["HFTMON_BUILD_DIR"]) / "bin/tests/timed_interrupts"


class TimedInterrupts(unittest.TestCase):
    def test_a_datagram_that_could_not_be_sent_is_missed_and_not_timed(self):
        # A network of its own, whose loopback is down: every send fails.
        alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
        if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest(f"this host refuses `{' '.join(alone)}`")
        run = subprocess.run([*alone, WORKLOAD, "--kind", "softirq", "--events", "100"], capture_output=True, text=True, check=False)
        result = json.loads(run.stdout)
        self.assertEqual((result["events"], result["missed"]), (0, 100), result)
        self.assertNotIn("event", result)


if __name__ == "__main__":
    python_cases.main("timed_interrupts_test")
