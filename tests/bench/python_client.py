"""What the Python client costs: the round trip of calls, and how fast it takes spikes from a stream. Prints JSON lines; asserts no time.

usage: python_client.py [--server ADDRESS] [--calls 2000] [--seconds 5] [--interval-us 100], by root, with PYTHONPATH=build/python

Without --server a private daemon is started. The workload is build/bin/tests/ping_pong: two threads that wake each other, whose every sleep
is a spike of the kind blocked, far more than any client takes. Round trips: list_targets, which the daemon answers at once; detect_spikes
and query_context_switches, which it answers when the bucket of the call's arrival has closed, so within --interval-us and the loop's own
pause.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import hftmon
import hftmon.aio
from hftmon.messages import TargetOptions

BUILD = pathlib.Path(os.environ.get("HFTMON_BUILD_DIR", pathlib.Path(__file__).resolve().parents[2] / "build"))
SPIKES_MAX = 20  # of an answer: a dashboard's question
SWITCHES_A_TURN = 20_000
BLOCKED_NS = 1_000


def percentile(ordered, percent):
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def round_trips(name, call, calls):
    call()  # the connection is made by the first
    took_us = []
    for _ in range(calls):
        begin_ns = time.perf_counter_ns()
        call()
        took_us.append((time.perf_counter_ns() - begin_ns) / 1000)
    took_us.sort()
    return {"bench": "round_trip", "call": name, "calls": calls, "p50_us": round(percentile(took_us, 50), 1),
            "p99_us": round(percentile(took_us, 99), 1), "max_us": round(took_us[-1], 1)}


@contextlib.contextmanager
def ping_pong():
    """The pid of one that goes on until the end of the block."""
    process = subprocess.Popen([str(BUILD / "bin" / "tests" / "ping_pong"), "--interactive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    process.stdout.readline()
    over = threading.Event()

    def play():
        with contextlib.suppress(BrokenPipeError):
            while not over.is_set():
                process.stdin.write(f"{SWITCHES_A_TURN}\n")
                process.stdin.flush()
                process.stdout.readline()

    player = threading.Thread(target=play)
    player.start()
    try:
        yield process.pid
    finally:
        over.set()
        player.join()
        process.kill()
        process.wait()


def figures_of(client, count, seconds, stream, cpu_s):
    return {"bench": "spike_stream", "client": client, "spikes": count, "seconds": round(seconds, 3),
            "spikes_per_second": round(count / seconds),
            "dropped": stream.dropped, "lost_records": stream.lost_records,
            "cpu_us_per_spike": round(cpu_s / count * 1e6, 2) if count else None}


def consume(server, pid, seconds):
    with hftmon.Client(server) as client, client.spikes(pids=[pid], blocked_threshold_ns=BLOCKED_NS) as spikes:
        count, begin, begin_cpu = 0, time.monotonic(), time.process_time()
        for _ in spikes:
            count += 1
            if count % 64 == 0 and time.monotonic() - begin > seconds:
                break
        return figures_of("hftmon.Client", count, time.monotonic() - begin, spikes, time.process_time() - begin_cpu)


async def consume_async(server, pid, seconds):
    async with hftmon.aio.Client(server) as client:
        async with await client.spikes(pids=[pid], blocked_threshold_ns=BLOCKED_NS) as spikes:
            count, begin, begin_cpu = 0, time.monotonic(), time.process_time()
            async for _ in spikes:
                count += 1
                if count % 64 == 0 and time.monotonic() - begin > seconds:
                    break
            return figures_of("hftmon.aio.Client", count, time.monotonic() - begin, spikes, time.process_time() - begin_cpu)


def measure(server, options):
    with ping_pong() as pid, hftmon.Client(server, deadline_s=30) as client:
        client.attach(pids=[pid], options=TargetOptions(sampling_interval_ns=options.interval_us * 1000, blocked_threshold_ns=BLOCKED_NS))
        window_ns = 1_000_000_000
        for name, call in (
                ("list_targets", client.list_targets),
                ("query_context_switches", lambda: client.query_context_switches(pids=[pid], window_ns=window_ns)),
                ("detect_spikes", lambda: client.detect_spikes(pids=[pid], window_ns=window_ns, blocked_threshold_ns=BLOCKED_NS,
                                                               max_spikes=SPIKES_MAX))):
            print(json.dumps(round_trips(name, call, options.calls)), flush=True)
        print(json.dumps(consume(server, pid, options.seconds)), flush=True)
        print(json.dumps(asyncio.run(consume_async(server, pid, options.seconds))), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=5)
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
