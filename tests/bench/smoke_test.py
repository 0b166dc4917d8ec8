"""The bench's one command runs to its end and leaves figures of every kind. Which figures is not asked: this is no place to judge time."""

import json
import os
import pathlib
import subprocess
import unittest

import python_cases

SOURCE = pathlib.Path(os.environ["HFTMON_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["HFTMON_BUILD_DIR"])


@unittest.skipIf(os.geteuid() != 0, "BPF programs are loaded: run as root")
@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "one CPU only: what watches would take the time of what is watched")
class BenchCommand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        command = [SOURCE / "tests/bench/run", "--build-dir", BUILD, "--no-gates", "--rounds", "1", "--records", "200000"]
        cls.run_ = subprocess.run(command, capture_output=True, text=True, check=False)

    def test_it_ends_well_and_leaves_both_results(self):
        self.assertEqual(self.run_.returncode, 0, self.run_.stdout + self.run_.stderr)
        switch_cost = json.loads((BUILD / "bench/switch_cost.json").read_text(encoding="utf-8"))
        gates = [gate["gate"].split()[0] for gate in switch_cost["gates"]]
        self.assertEqual(gates[:2], ["watched", "bystander"])  # where perf is installed its ratio follows
        lines = (BUILD / "bench/ingest.json").read_text(encoding="utf-8").splitlines()
        ingest = [json.loads(line) for line in lines]
        self.assertEqual([(run["mode"], run["sinks"]) for run in ingest],
                         [("drain", "null"), ("drain", "real"), ("stream", "null"), ("stream", "real")])
        for run in ingest:
            self.assertEqual(run["allocations"], 0)

    def test_its_defaults_are_values_that_it_takes(self):
        command = [SOURCE / "tests/bench/run", "--build-dir", "/nonexistent"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertIn("holds no bin/tests/switch_cost_bench", run.stderr)


if __name__ == "__main__":
    python_cases.main("bench_smoke_test")
