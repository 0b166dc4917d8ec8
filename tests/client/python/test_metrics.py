"""Answers of the daemon as metrics of hft_resource_monitor: units, what is absent and why, sums over threads."""

import pytest
from hft_resource_monitor import answers, numa_answers
from hft_resource_monitor.rate_formula import evaluate
from hftmon import messages

WINDOW = messages.Window(begin_monotonic_ns=1_000_000, end_monotonic_ns=3_000_000, truncated=True)
FORMULA = "1 - l1d_misses / (l1d_hits + l1d_misses)"


def thread(tid, pid=9, comm="matcher"):
    return messages.ThreadId(tid=tid, pid=pid, comm=comm)


def cache_thread(tid, hits, misses):
    return messages.ThreadCache(
        thread=thread(tid), available=True, on_cpu_ns=5_000,
        counters=(messages.CounterValue(name="l1d_hits", value=hits), messages.CounterValue(name="l1d_misses", value=misses)),
        rates=(messages.RateValue(name="l1d_hit_ratio", mean=hits / (hits + misses), lowest=0.1, highest=1.0,
                                  percentiles=(messages.RatePercentile(1.0, 0.2),), estimated=True),))


def test_cache_rates_of_threads_and_of_all_together():
    answer = messages.QueryCacheResponse(window=WINDOW, available=True, threads=(cache_thread(1, 90.0, 10.0), cache_thread(2, 0.0, 100.0)),
                                         rates=(messages.RateDefinition("l1d_hit_ratio", "ratio", FORMULA),),
                                         unavailable=(messages.UnavailablePart("l3_hit_ratio", "this processor has no such event"),))
    metrics = answers.cache_metrics(answer, {})
    assert [one.l1_hit_rate for one in metrics.threads] == [0.9, 0.0]
    assert metrics.l1_hit_rate == pytest.approx(90 / 200), "of the sums, not the mean of means"
    rate = metrics.threads[0].rates["l1d_hit_ratio"]
    assert (rate.unit, rate.percentiles, rate.estimated) == ("ratio", {1.0: 0.2}, True)
    assert metrics.threads[0].on_cpu_us == 5.0
    assert metrics.l3_hit_rate is None and metrics.why_unavailable("l3_hit_ratio") == "this processor has no such event"
    assert metrics.instructions_per_cycle is None and metrics.why_unavailable("instructions_per_cycle")
    assert metrics.why_unavailable("l1d_hit_ratio") == ""
    assert (metrics.window.length_us, metrics.window.truncated) == (2000.0, True)


def test_a_host_without_counters_has_none_and_the_reason():
    answer = messages.QueryCacheResponse(available=False, reason="this guest has no PMU",
                                         threads=(messages.ThreadCache(thread=thread(1), available=False),))
    metrics = answers.cache_metrics(answer, {9: "no PMU: attach without it"})
    assert metrics.l1_hit_rate is None and metrics.tlb_misses_per_1000_instructions is None
    assert metrics.why_unavailable("l1d_hit_ratio") == metrics.reason == "no PMU: attach without it"
    assert metrics.threads[0].reason == "no PMU: attach without it"
    assert metrics.threads[0].l1_hit_rate is None
    assert answers.cache_metrics(answer, {}).reason == "this guest has no PMU"


def test_of_processes_that_asked_for_no_counters_the_reason_is_that():
    metrics = answers.cache_metrics(messages.QueryCacheResponse(available=True), {9: "attached without track_cache=True"})
    assert metrics.reason == "attached without track_cache=True"


@pytest.mark.parametrize("formula, values, result", [
    (FORMULA, {"l1d_hits": 3.0, "l1d_misses": 1.0}, 0.75),
    ("1000 * l3_misses / instructions", {"l3_misses": 2.0, "instructions": 4000.0}, 0.5),
    ("instructions / cycles", {"instructions": 3.0, "cycles": 2.0}, 1.5),
    ("(a - b) / c", {"a": 5.0, "b": 1.0, "c": 2.0}, 2.0),
    ("instructions / cycles", {"instructions": 3.0}, None),
    ("instructions / cycles", {"instructions": 3.0, "cycles": 0.0}, None),
    ("page-faults / seconds on the CPU", {}, None),
    ("__import__('os')", {}, None),
    ("-cycles", {"cycles": 1.0}, None)])
def test_a_formula_is_arithmetic_and_nothing_else(formula, values, result):
    assert evaluate(formula, values) == result


def test_context_switches_in_microseconds_with_sums_over_threads():
    waits = messages.DurationStatistics(count=4, sum_ns=8_000, max_ns=5_000, percentiles=(messages.Percentile(50, 1_500),))
    answer = messages.QueryContextSwitchesResponse(window=WINDOW, threads=(
        messages.ThreadSwitches(thread=thread(1), voluntary_count=3, involuntary_count=1, migration_count=2, run_queue_latency=waits,
                                kinds={"yield": 3}),
        messages.ThreadSwitches(thread=thread(2), voluntary_count=5)))
    metrics = answers.context_switches(answer, [], "")
    assert (metrics.voluntary, metrics.involuntary, metrics.total) == (8, 1, 9)
    first, second = metrics.threads
    assert (first.run_queue_latency.mean_us, first.run_queue_latency.max_us, first.run_queue_latency.percentiles) == (2.0, 5.0, {50: 1.5})
    assert second.run_queue_latency.max_us is None and second.run_queue_latency.mean_us is None
    assert not metrics.incomplete and metrics.incomplete_reason == ""


def test_an_incomplete_list_of_events_says_why():
    answer = messages.QueryContextSwitchesResponse(events_incomplete=True, events_floor_ns=50_000, lost_records=2, unslotted_thread_count=1)
    metrics = answers.context_switches(answer, ["from now on only"], "")
    assert metrics.incomplete
    for part in ("from now on only", "below 50 us were not recorded", "2 records were lost", "1 threads found no place"):
        assert part in metrics.incomplete_reason


def test_an_event_has_its_stack_or_the_reason():
    whole = messages.StackPart(state="complete", frames=(messages.StackFrame(symbol="schedule", symbol_offset=0x10),))
    cut = messages.StackPart(state="truncated", reason="no tables", frames=(messages.StackFrame(module="/opt/m", module_offset=0x20),
                                                                           messages.StackFrame(address=0x30)))
    answer = messages.QueryContextSwitchesResponse(events=(
        messages.SwitchEvent(thread=thread(1), duration_ns=4_000, run_queue_ns=1_000, kind="blocked_syscall", syscall="futex",
                             stack=messages.Stack(kernel=whole, user=cut)),
        messages.SwitchEvent(thread=thread(1), kind="migration")))
    asked = answers.context_switches(answer, [], "taken from now on").events
    assert asked[0].stack == ("schedule+0x10", "/opt/m+0x20", "0x30")
    assert asked[0].stack_reason == "user frames are truncated: no tables"
    assert (asked[0].duration_us, asked[0].run_queue_us) == (4.0, 1.0)
    assert (asked[1].stack, asked[1].stack_reason, asked[1].duration_us) == (None, "taken from now on", None)
    assert "include_stack_trace=True" in answers.context_switches(answer, [], "").events[1].stack_reason


def test_a_spikes_causes_and_what_is_unexplained_sum_to_its_duration():
    answer = messages.DetectSpikesResponse(window=WINDOW, spikes=(messages.Spike(
        id=7, thread=thread(1), duration_ns=100_000, kind="preempted", unexplained_ns=10_000, causes=(
            messages.Cause(kind="thread", duration_ns=60_000, share=0.6, actor=messages.Actor(pid=2, tid=3, comm="noisy")),
            messages.Cause(kind="hard_irq", duration_ns=20_000, share=0.2, actor=messages.Actor(irq=33, name="eth0-rx")),
            messages.Cause(kind="softirq", duration_ns=10_000, share=0.1, estimated=True))),))
    spikes = answers.latency_spikes(answer, True, [])
    (one,) = spikes
    assert len(spikes) == 1 and one.duration_us == 100.0
    assert sum(cause.duration_us for cause in one.causes) + one.unexplained_us == one.duration_us
    assert [cause.actor for cause in one.causes] == ["noisy[2/3]", "eth0-rx", ""]
    without = answers.latency_spikes(answer, False, []).spikes[0]
    assert without.causes is None and without.unexplained_us is None


def test_an_actor_of_a_cross_call_is_named_with_its_sender():
    assert answers.actor_text(messages.Actor(pid=2, tid=3, comm="gc", name="call_function")) == "call_function of gc[2/3]"
    assert answers.actor_text(messages.Actor(irq=5)) == "irq 5"


@pytest.mark.parametrize("fields, part", [
    ({"incomplete": True, "floor_ns": 50_000}, "waits below 50 us were not recorded"),
    ({"incomplete": True}, "older spikes were overwritten"),
    ({"older_left_out": True}, "beyond max_spikes"), ({"lost_records": 3}, "3 records were lost"),
    ({"unslotted_thread_count": 2}, "2 threads")])
def test_an_incomplete_answer_about_spikes_says_why(fields, part):
    spikes = answers.latency_spikes(messages.DetectSpikesResponse(**fields), True, [])
    assert spikes.incomplete and part in spikes.incomplete_reason


def scheduled(**fields):
    return answers.scheduling_info(messages.ScheduledThread(thread=thread(5), cpu_time_ns=7_000, **fields))


def test_scheduling_in_the_kernels_words():
    info = scheduled(scheduling=messages.Scheduling(policy="fifo", priority=19, realtime_priority=80, cpus_allowed="2"),
                     run_queue_wait_ns=2_500)
    assert (info.tid, info.priority, info.policy, info.realtime_priority, info.cpus_allowed) == (5, 19, "fifo", 80, "2")
    assert (info.cpu_time_us, info.run_queue_wait_us) == (7.0, 2.5)


def test_a_thread_that_was_never_read_has_no_priority():
    assert scheduled().priority is None and scheduled().policy is None


def test_jitter_is_the_99th_percentile_or_the_maximum_where_samples_are_few():
    many = messages.DurationStatistics(count=2000, sum_ns=1, max_ns=90_000, percentiles=(messages.Percentile(99, 40_000),))
    few = messages.DurationStatistics(count=20, sum_ns=1, max_ns=90_000)
    info = scheduled(jitter=messages.Jitter(period_ns=1_000_000, lateness=many))
    assert (info.scheduling_jitter_us, info.scheduling_jitter_is_maximum, info.jitter_period_us) == (40.0, False, 1000.0)
    info = scheduled(jitter=messages.Jitter(lateness=few), jitter_unavailable="2 s are no longer kept")
    assert (info.scheduling_jitter_us, info.scheduling_jitter_is_maximum, info.scheduling_jitter_reason) == (90.0, True,
                                                                                                             "2 s are no longer kept")


def test_a_thread_without_period_has_no_jitter_and_the_reason():
    info = scheduled(jitter_unavailable="its wake-ups are not evenly spaced")
    assert (info.scheduling_jitter_us, info.jitter, info.scheduling_jitter_reason) == (None, None, "its wake-ups are not evenly spaced")
    assert scheduled().scheduling_jitter_reason


def placement(**fields):
    return messages.ProcessPlacement(pid=9, comm="matcher", **fields)


def test_memory_by_node_and_what_this_host_does_not_tell():
    mapping = messages.MappingPlacement(start=4096, end=8192, name="[heap]", sampled_count=10, absent_count=1,
                                        nodes=(messages.NodeShare(node=0, pages=6, share=6 / 9),
                                               messages.NodeShare(node=1, pages=3, share=3 / 9)))
    answer = messages.QueryNumaResponse(
        nodes=(messages.NumaNode(node=0, cpus=(0, 1), memory_bytes=1 << 30,
                                 distances=(messages.NumaDistance(0, 10), messages.NumaDistance(1, 21))),),
        processes=(placement(mappings=(mapping,), unavailable=(messages.UnavailablePart("accesses", "no PMU"),)),
                   messages.ProcessPlacement(pid=10, error="it has ended")),
        unavailable=(messages.UnavailablePart("remote_share", "one node"),))
    stats = numa_answers.numa_stats(answer, False, {11: "attached without track_numa=True"})
    assert stats.nodes[0].distances == {0: 10, 1: 21} and stats.nodes[0].free_bytes is None
    first, ended, left_out = stats.processes
    assert first.pages_by_node == {0: 6, 1: 3} and first.mappings[0].shares[1] == 3 / 9
    assert (first.remote_access_share, first.remote_access_reason) == (None, "no PMU")
    assert first.mappings[0].remote_share is None and first.unavailable["remote_share"] == "one node"
    assert (first.heat_map, first.heat_map_reason) == (None, "not asked for: include_heatmap=True has it")
    assert (ended.reason, ended.remote_access_reason) == ("it has ended", "it has ended")
    assert (left_out.pid, left_out.reason) == (11, "attached without track_numa=True")


def test_a_heat_map_has_a_column_for_each_node_or_part():
    by_node = messages.HeatMap(column_nodes=(0, 1),
                               rows=(messages.HeatRow(1, 2, "[heap]", (messages.HeatCell(9, 6), messages.HeatCell(9, 3))),))
    by_page = messages.HeatMap(rows=(messages.HeatRow(1, 2, "[heap]", (messages.HeatCell(2, 2, 1), messages.HeatCell(2, 0))),))
    for heat_map, cells in ((by_node, [(0, 6, 9), (1, 3, 9)]), (by_page, [(1, 2, 2), (None, 0, 2)])):
        stats = numa_answers.numa_stats(messages.QueryNumaResponse(processes=(placement(heat_map=heat_map),)), True, {})
        assert [tuple(cell) for cell in stats.processes[0].heat_map[0].cells] == cells


def test_a_heat_map_that_cannot_be_had_says_why():
    answer = messages.QueryNumaResponse(processes=(placement(),), unavailable=(messages.UnavailablePart("heat_map", "no memory sampler"),))
    (process,) = numa_answers.numa_stats(answer, True, {}).processes
    assert (process.heat_map, process.heat_map_reason) == (None, "no memory sampler")
