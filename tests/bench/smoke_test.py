"""The bench's one command runs to its end and leaves figures of every kind. Which figures is not asked: this is no place to judge time."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import python_cases

COMMAND = pathlib.Path(os.environ["HFTMON_SOURCE_DIR"]) / "tests/bench/run"
BUILD = pathlib.Path(os.environ["HFTMON_BUILD_DIR"])


class BenchCommand(unittest.TestCase):
    def test_it_ends_well_and_leaves_all_results(self):
        with tempfile.TemporaryDirectory() as folder:
            options = ["--build-dir", BUILD, "--results", folder, "--no-gates", "--rounds", "1", "--interrupt-rounds", "1"]
            options += ["--records", "200000", "--spikes", "200"]
            run = subprocess.run([COMMAND, *options], capture_output=True, text=True, check=False)
            if run.returncode == 77:
                self.skipTest(run.stderr.strip().splitlines()[-1])
            lines = pathlib.Path(folder, "ingest.json").read_text(encoding="utf-8").splitlines()
            modes = json.loads(pathlib.Path(folder, "modes.json").read_text(encoding="utf-8"))
            switch_cost = json.loads(pathlib.Path(folder, "switch_cost.json").read_text(encoding="utf-8"))
            interrupt_cost = json.loads(pathlib.Path(folder, "interrupt_cost.json").read_text(encoding="utf-8"))
        ingest = [json.loads(line) for line in lines]
        self.assertEqual([(one["mode"], one["sinks"]) for one in ingest],
                         [("drain", "null"), ("drain", "real"), ("stream", "null"), ("stream", "real")])
        for one in ingest:
            self.assertEqual((one["lost"], one["allocations"]), (0, 0))
        self.assertEqual([row["mode"] for row in modes["modes"]], ["latency", "latency, fifo", "balanced", "economy"])
        for row in modes["modes"]:
            # Two sleeps are one spike where the host hid the switch between them; the bench says how many came.
            self.assertGreaterEqual(row["detection"]["all"]["count"], 180)
        gates = [gate["gate"].split()[0] for gate in switch_cost["gates"]]
        self.assertEqual(gates[:2], ["watched", "bystander"])  # where perf is installed its ratio follows
        self.assertEqual([kind["kind"] for kind in interrupt_cost["kinds"]], ["softirq", "timer", "ipi"])
        for kind in interrupt_cost["kinds"]:
            if "unavailable" in kind:  # this machine has no such tracepoint
                continue
            self.assertEqual([aim["gate"].split()[0] for aim in kind["aims"]], ["bystander", "watched"])
            rows = {row["way"]: row for row in kind["ways"]}
            # What was timed is what the programs counted; ticks of the clock come on top.
            for way in ("bystander", "watched"):
                self.assertAlmostEqual(rows[way]["counted_per_event"], 1, delta=0.2)
            self.assertEqual(rows["hftmon off"]["counted_per_event"], 0)
        # In a stream the producer is a thread: where the host stops it inside a record, that one is given up, and the bench says no.
        stuck = [one["stuck"] for one in ingest]
        self.assertEqual(stuck[:2], [0, 0])
        if sum(stuck) > 0:
            self.skipTest(f"the host stopped the producer inside {sum(stuck)} records: the bench's verdict means nothing")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_its_defaults_are_values_that_it_takes(self):
        if os.geteuid() != 0:
            self.skipTest("the command runs as root only")
        run = subprocess.run([COMMAND, "--build-dir", "/nonexistent"], capture_output=True, text=True, check=False)
        self.assertIn("holds no bin/tests/switch_cost_bench", run.stderr)


if __name__ == "__main__":
    python_cases.main("bench_smoke_test")
