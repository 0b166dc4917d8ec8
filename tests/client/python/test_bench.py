"""tests/bench/python_client.py measures: a short run has each figure, made of calls and spikes that were counted."""

import json
import os
import subprocess
import sys

from conftest import SOURCE


def test_a_short_run_has_every_figure(kernel, daemon):
    bench = SOURCE / "tests" / "bench" / "python_client.py"
    run = subprocess.run([sys.executable, "-B", str(bench), "--server", daemon.address, "--calls", "50", "--rounds", "1"],
                         env=dict(os.environ),
                         capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    figures = [json.loads(line) for line in run.stdout.splitlines()]
    round_trips = [one for one in figures if one["bench"] == "round_trip"]
    assert {one["call"] for one in round_trips} == {"list_targets", "query_context_switches", "detect_spikes"}
    for one in round_trips:
        assert 0 < one["calls"] <= 50 and one["client_cpu_us"] > 0 and 0 < one["p50_us"] <= one["p99_us"] <= one["max_us"], one
    streams = {one["client"]: one for one in figures if one["bench"] == "spike_stream"}
    assert set(streams) == {"hftmon.Client", "hftmon.aio.Client"}
    assert all(one["spikes"] == 4000 and one["spikes_per_second"] > 0 and one["client_cpu_us"] > 0 for one in streams.values())
