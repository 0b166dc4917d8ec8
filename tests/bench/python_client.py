"""What the Python client costs: the round trip of calls, and how fast it takes spikes from a stream. Prints JSON lines; asserts no time.

usage: python_client.py [--server ADDRESS] [--calls 2000] [--rounds 5] [--interval-us 100], by root, with PYTHONPATH=build/python

Without --server a private daemon is started. The workload is build/bin/tests/ping_pong: two threads that wake each other, whose every sleep
is a spike of the kind blocked. Round trips: list_targets, which the daemon answers at once; detect_spikes and query_context_switches, which
it answers when the bucket of the call's arrival has closed, so within --interval-us and the loop's own pause. Spikes: the workload makes
more than the stream's queue holds while nobody reads, stands still, and the client then reads what waits: the rate is the client's, not the
workload's. CPU time is that of this process alone, all its threads together: it means something on a crowded host too.
"""

import argparse
import asyncio
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time

import hftmon
import hftmon.aio
from hftmon.messages import TargetOptions

BUILD = pathlib.Path(os.environ.get("HFTMON_BUILD_DIR", pathlib.Path(__file__).resolve().parents[2] / "build"))
SPIKES_MAX = 20  # of an answer: a dashboard's question
CALLS_S = 20  # of one kind, at most
SWITCHES = 20_000
QUEUE_SPIKES = 4_096  # the longest that a stream may have
READ_SPIKES = 4_000
BLOCKED_NS = 1_000
WINDOW_NS = 60_000_000_000


def percentile(ordered, percent):
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def round_trips(name, call, calls):
    call()  # the connection is made by the first
    took_us, cpu_s, end = [], time.process_time(), time.monotonic() + CALLS_S
    while len(took_us) < calls and time.monotonic() < end:
        begin_ns = time.perf_counter_ns()
        call()
        took_us.append((time.perf_counter_ns() - begin_ns) / 1000)
    cpu_us = (time.process_time() - cpu_s) / len(took_us) * 1e6
    took_us.sort()
    return {"bench": "round_trip", "call": name, "calls": len(took_us), "client_cpu_us": round(cpu_us, 1),
            "p50_us": round(percentile(took_us, 50), 1), "p99_us": round(percentile(took_us, 99), 1), "max_us": round(took_us[-1], 1)}


class PingPong:
    """A workload that makes switches when it is told, and then stands still."""

    def __init__(self):
        self._process = subprocess.Popen([str(BUILD / "bin" / "tests" / "ping_pong"), "--interactive"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self._process.stdout.readline()
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.wait()

    def play(self):
        self._process.stdin.write(f"{SWITCHES}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()


def figures_of(client, spikes, begin, begin_cpu):
    seconds, cpu_s = time.monotonic() - begin, time.process_time() - begin_cpu
    return {"bench": "spike_stream", "client": client, "spikes": READ_SPIKES, "seconds": round(seconds, 4),
            "spikes_per_second": round(READ_SPIKES / seconds), "client_cpu_us": round(cpu_s / READ_SPIKES * 1e6, 1),
            "dropped": spikes.dropped,
            "lost_records": spikes.lost_records}


def consume(server, source):
    with hftmon.Client(server, deadline_s=30) as client:
        with client.spikes(pids=[source.pid], blocked_threshold_ns=BLOCKED_NS, queue_limit=QUEUE_SPIKES) as spikes:
            source.play()
            begin, begin_cpu = time.monotonic(), time.process_time()
            for _ in itertools.islice(spikes, READ_SPIKES):
                pass
            return figures_of("hftmon.Client", spikes, begin, begin_cpu)


async def consume_async(server, source):
    async with hftmon.aio.Client(server, deadline_s=30) as client:
        async with await client.spikes(pids=[source.pid], blocked_threshold_ns=BLOCKED_NS, queue_limit=QUEUE_SPIKES) as spikes:
            source.play()
            begin, begin_cpu = time.monotonic(), time.process_time()
            for _ in range(READ_SPIKES):
                await spikes.__anext__()
            return figures_of("hftmon.aio.Client", spikes, begin, begin_cpu)


def measure(server, options):
    with PingPong() as source, hftmon.Client(server, deadline_s=30) as client:
        client.attach(pids=[source.pid], options=TargetOptions(sampling_interval_ns=options.interval_us * 1000,
                                                               blocked_threshold_ns=BLOCKED_NS))
        source.play()
        asked = {"pids": [source.pid], "window_ns": WINDOW_NS}
        for name, call in (("list_targets", client.list_targets),
                           ("query_context_switches", lambda: client.query_context_switches(**asked)),
                           ("detect_spikes", lambda: client.detect_spikes(blocked_threshold_ns=BLOCKED_NS, max_spikes=SPIKES_MAX,
                                                                          **asked))):
            print(json.dumps(round_trips(name, call, options.calls)), flush=True)
        for _ in range(options.rounds):
            print(json.dumps(consume(server, source)), flush=True)
            print(json.dumps(asyncio.run(consume_async(server, source))), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--interval-us", type=int, default=100)
    options = parser.parse_args()
    if options.server:
        measure(options.server, options)
    else:
        with hftmon.PrivateDaemon(str(BUILD / "bin" / "hftmond")) as daemon:
            measure(daemon.address, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
