"""The Python client against a hftmond that watches real processes: workloads that know what they did to themselves."""

import asyncio
import os
import pathlib
import signal
import threading
import time

import hftmon
import hftmon.aio
import pytest
from conftest import HFTMOND
from hft_resource_monitor import DaemonUnavailableError, HFTResourceMonitor, ProcessNotFoundError
from hftmon.messages import TargetOptions


@pytest.fixture
def client(daemon):
    with hftmon.Client(daemon.address, deadline_s=30) as made:
        yield made


@pytest.fixture
def monitor(daemon):
    with HFTResourceMonitor(daemon.address, deadline_s=30) as made:
        yield made


def kernels_counts(pid):
    """(voluntary, involuntary) switches of the main thread, by /proc."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return tuple(int(line.split()[1]) for line in text.splitlines() if "ctxt_switches" in line)


def whole(ask):
    """An answer that has all until now: on a crowded host the daemon's loop may have been away, and says so."""
    for _ in range(50):
        answer = ask()
        if not answer.window.late:
            return answer
    raise AssertionError("the daemon's loop is stuck")


def test_counts_of_switches_are_the_kernels(client, workload):
    sleeper = workload("sleeper", "--count", 200, "--duration-us", 500)
    client.attach(pids=[sleeper.pid])
    sleeper.act()
    answer = whole(lambda: client.query_context_switches(pids=[sleeper.pid]))
    (thread,) = [one for one in answer.threads if one.thread.tid == sleeper.about["tid"]]
    assert (thread.voluntary_total, thread.involuntary_total) == kernels_counts(sleeper.pid)
    assert thread.voluntary_count >= 200
    assert answer.columns()["voluntary_total"][list(answer.columns()["tid"]).index(thread.thread.tid)] == thread.voluntary_total


def test_a_sleep_is_streamed_as_a_spike_whose_causes_sum_up(client, workload):
    sleeper = workload("sleeper", "--count", 5, "--duration-us", 20_000)
    client.attach(pids=[sleeper.pid], options=TargetOptions(blocked_threshold_ns=5_000_000))
    with client.spikes(pids=[sleeper.pid], blocked_threshold_ns=5_000_000) as spikes:
        begin_ns = time.monotonic_ns()
        sleeper.say()
        ended = []
        for spike in spikes:
            assert sum(cause.duration_ns for cause in spike.causes) + spike.unexplained_ns == spike.duration_ns
            if spike.kind == "blocked" and not spike.in_progress and spike.start_monotonic_ns >= begin_ns:
                ended.append(spike)
            if len(ended) == 5:
                break
        sleeps = [one["duration_ns"] for one in sleeper.read()["sleeps"]]
    assert all(spike.thread.comm == "sleeper" and spike.thread.pid == sleeper.pid for spike in ended)
    assert all(spike.duration_ns <= slept for spike, slept in zip(ended, sleeps)), "the kernel's interval lies within what the sleeper saw"


def test_a_stream_that_waits_ends_when_it_is_cancelled(client):
    with client.spikes(threshold_ns=1_000_000_000) as spikes:
        threading.Timer(0.2, spikes.cancel).start()
        assert [spike for spike in spikes if spike.duration_ns < 1_000_000_000] == []


def test_asyncio_asks_and_follows_at_the_same_time(daemon, workload):
    sleeper = workload("sleeper", "--count", 2_000, "--duration-us", 5_000)

    async def run():
        async with hftmon.aio.Client(daemon.address, deadline_s=30) as client:
            await client.attach(pids=[sleeper.pid], options=TargetOptions(blocked_threshold_ns=1_000_000))
            async with await client.spikes(pids=[sleeper.pid], blocked_threshold_ns=1_000_000) as spikes:
                sleeper.say()
                first, answers = await asyncio.gather(spikes.__anext__(),
                                                      asyncio.gather(*(client.query_threads(pids=[sleeper.pid]) for _ in range(8))))
                return first, answers

    first, answers = asyncio.run(run())
    assert first.thread.pid == sleeper.pid and first.kind in ("blocked", "run_queue", "preempted")
    assert {one.threads[0].thread.tid for one in answers} == {sleeper.pid}


def test_what_a_client_attached_ends_with_it(daemon, client, workload):
    sleeper = workload("sleeper")
    with hftmon.Client(daemon.address, deadline_s=30, name="short-lived") as other:
        other.attach(pids=[sleeper.pid])
        (target,) = [one for one in client.list_targets().targets if one.pid == sleeper.pid]
        assert [holder.client for holder in target.holders] == ["short-lived"]

    def held():
        return any(target.pid == sleeper.pid and target.holders for target in client.list_targets().targets)

    for _ in range(200):
        if not held():
            break
        threading.Event().wait(0.05)
    assert not held()


def test_the_daemons_refusals_have_reason_and_fields(client):
    with pytest.raises(hftmon.NotFoundError) as caught:
        client.attach(pids=[2**22 + 1])
    assert (caught.value.reason, caught.value.domain) == ("NOT_FOUND", "hftmon")
    with pytest.raises(hftmon.InvalidArgumentError) as caught:
        client.attach(pids=[os.getpid()], options=TargetOptions(spike_threshold_ns=1))
    assert "options.spike_threshold_ns" in [violation.field for violation in caught.value.violations]


def test_capabilities_and_status_are_whole(client, daemon):
    status = client.get_status()
    assert status.daemon.pid == daemon.pid and status.loop.cpu in os.sched_getaffinity(0)
    capabilities = client.get_capabilities().columns()
    assert len(capabilities["name"]) == len(set(capabilities["name"])) > 5
    assert {metric.name for metric in client.list_metrics().metrics}


def test_several_processes_are_told_apart(monitor, workload):
    first, second = (workload("sleeper", "--count", 50, "--duration-us", 1_000) for _ in range(2))
    monitor.attach_process(first.pid)
    monitor.start_monitoring()
    monitor.attach_process(second.pid)
    first.act()
    second.act()
    answer = whole(monitor.get_context_switches)
    assert {thread.pid for thread in answer.threads} == {first.pid, second.pid}
    assert all(thread.voluntary >= 50 for thread in answer.threads)
    only = whole(lambda: monitor.get_context_switches(pids=[second.pid]))
    assert {thread.pid for thread in only.threads} == {second.pid}


def test_a_preemption_is_found_with_who_did_it(monitor, workload):
    spinner = workload("preempted_spinner", "--count", 20, "--duration-us", 2_000)
    monitor.attach_process(spinner.pid)
    monitor.start_monitoring()
    spinner.act()
    spikes = monitor.detect_latency_spikes(threshold_us=1_000)
    preempted = [spike for spike in spikes if spike.kind == "preempted" and not spike.in_progress]
    assert len(preempted) >= 15
    for spike in preempted:
        assert sum(cause.duration_us for cause in spike.causes) + spike.unexplained_us == pytest.approx(spike.duration_us)
    assert any(cause.kind == "thread" and f"[{spinner.pid}/" in cause.actor for spike in preempted for cause in spike.causes)
    assert monitor.detect_latency_spikes(1_000, False).spikes[0].causes is None


def test_events_with_stacks_are_of_the_sleeps_after_the_question(monitor, workload):
    sleeper = workload("sleeper", "--count", 2_000, "--duration-us", 5_000)
    monitor.attach_process(sleeper.pid)
    monitor.start_monitoring()
    assert monitor.get_context_switches(True, 1_000).incomplete
    sleeper.say()
    for _ in range(200):
        events = monitor.get_context_switches(True, 1_000).events
        stacks = [event.stack for event in events if event.stack is not None and event.syscall == "clock_nanosleep"]
        if stacks:
            break
        threading.Event().wait(0.05)
    assert any("nanosleep" in frame for frame in stacks[0]), stacks
    assert all(event.duration_us >= 1_000 for event in events if event.duration_us is not None)


def test_jitter_is_of_the_periodic_thread_and_its_period(monitor, workload):
    punctual = workload("punctual", "--count", 1_500, "--period-us", 1_000)
    monitor.attach_process(punctual.pid, track_jitter=True)
    monitor.start_monitoring()
    punctual.act()
    (info,) = [one for one in monitor.get_thread_scheduling_info(punctual.pid, period_us=1_000) if one.tid == punctual.about["tid"]]
    assert info.scheduling_jitter_us is not None, info.scheduling_jitter_reason
    assert info.jitter_period_us == 1_000 and info.jitter.max_us >= info.scheduling_jitter_us > 0
    assert info.cpu_time_us > 0 and info.priority is not None and info.policy in ("other", "fifo", "batch")


def test_memory_lies_where_the_process_touched_it(monitor, workload):
    holder = workload("memory_holder", "--pages", 2_000)
    monitor.attach_process(holder.pid, track_numa=True)
    monitor.start_monitoring()
    stats = monitor.get_numa_stats(include_heatmap=True, resolution="node", exact=True)
    (process,) = stats.processes
    assert sum(process.pages_by_node.values()) >= 2_000, process.reason
    assert set(process.pages_by_node) <= {node.node for node in stats.nodes}
    assert sum(cell.pages for row in process.heat_map for cell in row.cells) > 0
    assert process.remote_access_share is not None or process.remote_access_reason
    line = monitor.get_numa_stats(True, "cache_line").processes[0]
    assert line.heat_map is not None or line.heat_map_reason


def test_cache_rates_are_numbers_or_a_reason(monitor, workload):
    sleeper = workload("sleeper", "--count", 100, "--duration-us", 1_000)
    monitor.attach_process(sleeper.pid, track_cache=True)
    monitor.start_monitoring()
    sleeper.act()
    metrics = monitor.get_cache_metrics()
    for name in ("l1d_hit_ratio", "l2_hit_ratio", "l3_hit_ratio", "instructions_per_cycle"):
        value = metrics.rate(name)
        assert (value is None) == bool(metrics.why_unavailable(name)), name
        assert value is None or value >= 0
    if not metrics.available:
        assert metrics.reason and all(thread.l1_hit_rate is None for thread in metrics.threads)


def test_a_process_that_ended_cannot_be_attached(monitor):
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    monitor.start_monitoring()
    with pytest.raises(ProcessNotFoundError) as caught:
        monitor.attach_process(child)
    assert caught.value.reason == "NOT_FOUND" and monitor.attached_pids == ()


def test_a_private_daemon_is_placed_as_configured_and_ends(kernel, workload):
    sleeper = workload("sleeper", "--count", 50, "--duration-us", 1_000)
    cpu = max(os.sched_getaffinity(0))
    monitor = HFTResourceMonitor(private=True, hftmond=str(HFTMOND), deadline_s=30)
    monitor.configure(sampling_interval_us=500, cpu_affinity=cpu, realtime_priority=30)
    monitor.attach_process(sleeper.pid)
    with monitor:
        monitor.start_monitoring()
        placement = monitor.placement
        pid = monitor.client.get_status().daemon.pid
        assert (placement.private, placement.cpu, placement.allowed_cpus) == (True, cpu, (cpu,))
        assert placement.scheduling == "SCHED_FIFO priority 30"
        sleeper.act()
        (target,) = monitor.client.list_targets().targets
        assert target.options.sampling_interval_ns == 500_000
        assert whole(monitor.get_context_switches).voluntary >= 50
    assert not pathlib.Path(f"/proc/{pid}").exists()
    assert not monitor.monitoring


def test_a_daemon_that_ended_is_an_error_and_a_new_start_works(kernel):
    monitor = HFTResourceMonitor(private=True, hftmond=str(HFTMOND), deadline_s=30)
    monitor.attach_process(os.getpid())
    with monitor:
        monitor.start_monitoring()
        pid = monitor.client.get_status().daemon.pid
        os.kill(pid, signal.SIGTERM)
        for _ in range(2_400):
            if not pathlib.Path(f"/proc/{pid}").exists():
                break
            threading.Event().wait(0.05)
        with pytest.raises(DaemonUnavailableError):
            monitor.get_context_switches()
        monitor.stop_monitoring()
        monitor.start_monitoring()
        assert whole(monitor.get_context_switches).threads
