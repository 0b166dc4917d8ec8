"""HFTResourceMonitor against a fake daemon: what it asks for which process, in which order, and what it refuses itself."""

import os

import grpc
import pytest
from hft_resource_monitor import (
    ConfigurationError,
    DaemonUnavailableError,
    HFTResourceMonitor,
    InsufficientPrivilegesError,
    MonitoringStateError,
    ProcessNotFoundError,
    QueryError,
)
from hft_resource_monitor.configuration import make_configuration
from hftmon.v1 import cache_pb2, numa_pb2, operation_pb2, spikes_pb2, status_pb2, switches_pb2, targets_pb2, threads_pb2

US = 1000


def loop_status(cpu=1, scheduling="SCHED_OTHER nice -20"):
    return status_pb2.GetStatusResponse(loop=status_pb2.LoopStatus(cpu=cpu, scheduling=scheduling),
                                        operation=status_pb2.OperationStatus(asked_mode="auto", mode="balanced"))


@pytest.fixture
def monitor(fake):
    """One that runs and has process 11 attached."""
    fake.answer("GetStatus", loop_status())
    fake.answer("Attach", targets_pb2.AttachResponse())
    fake.answer("Detach", targets_pb2.DetachResponse())
    with HFTResourceMonitor(fake.address) as made:
        made.attach_process(11)
        made.start_monitoring()
        yield made


def options_of(fake):
    return [request.options for request in fake.requests("Attach")]


def test_the_signatures_are_those_that_were_promised():
    import inspect

    promised = {"configure": ["sampling_interval_us", "cpu_affinity", "realtime_priority"],
                "attach_process": ["pid", "track_cache", "track_numa"],
                "start_monitoring": [], "stop_monitoring": [], "get_cache_metrics": ["time_window_us", "percentiles"],
                "get_context_switches": ["include_stack_trace", "min_duration_us"], "get_numa_stats": ["include_heatmap", "resolution"],
                "detect_latency_spikes": ["threshold_us", "include_cause_analysis"], "get_thread_scheduling_info": ["pid"]}
    for name, wanted in promised.items():
        parameters = inspect.signature(getattr(HFTResourceMonitor, name)).parameters.values()
        positional = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD and one.name != "self"]
        assert positional == wanted, name


def test_processes_are_attached_when_monitoring_starts_and_later_ones_at_once(fake):
    fake.answer("GetStatus", loop_status())
    fake.answer("Attach", targets_pb2.AttachResponse())
    with HFTResourceMonitor(fake.address) as monitor:
        monitor.configure(sampling_interval_us=250)
        monitor.attach_process(11)
        monitor.attach_process(12, track_cache=True)
        assert fake.requests("Attach") == []
        monitor.start_monitoring()
        assert [list(request.pids) for request in fake.requests("Attach")] == [[11], [12]]
        monitor.attach_process(13, track_jitter=True, spike_threshold_us=20)
        assert monitor.attached_pids == (11, 12, 13)
    first, second, third = options_of(fake)
    assert (first.sampling_interval_ns, first.cache, second.cache) == (250 * US, False, True)
    assert (third.spike_threshold_ns, third.blocked_threshold_ns, list(third.probe_groups)) == (20 * US, 20 * US, ["locks"])
    assert fake.session_ended.wait(20), "the end of the block ends what was attached"


def test_questions_are_about_the_attached_processes_alone(fake, monitor):
    monitor.attach_process(12)
    for name, answer, ask in (
            ("QueryCache", cache_pb2.QueryCacheResponse(), lambda: monitor.get_cache_metrics(1000, [50])),
            ("QueryContextSwitches", switches_pb2.QueryContextSwitchesResponse(), monitor.get_context_switches),
            ("DetectSpikes", spikes_pb2.DetectSpikesResponse(), monitor.detect_latency_spikes)):
        fake.answer(name, answer)
        ask()
        assert list(fake.requests(name)[-1].pids) == [11, 12], name
    assert fake.requests("QueryCache")[0].window_ns == 1000 * US
    assert fake.requests("DetectSpikes")[0].threshold_ns == 50 * US
    fake.answer("QueryThreads", threads_pb2.QueryThreadsResponse(threads=[threads_pb2.ScheduledThread(cpu_time_ns=5000)]))
    assert [one.cpu_time_us for one in monitor.get_thread_scheduling_info(12)] == [5.0]
    assert list(fake.requests("QueryThreads")[0].pids) == [12]


def test_a_process_that_is_not_attached_here_is_no_subject(fake, monitor):
    for ask in (lambda: monitor.get_thread_scheduling_info(99), lambda: monitor.detect_latency_spikes(pids=[11, 99]),
                lambda: monitor.detach_process(99)):
        with pytest.raises(ProcessNotFoundError, match="process 99 is not attached to this monitor"):
            ask()
    monitor.detach_process(11)
    with pytest.raises(MonitoringStateError, match="no process is attached"):
        monitor.get_cache_metrics()
    assert list(fake.requests("Detach")[0].pids) == [11]


def test_calls_at_the_wrong_time_say_which_comes_first(fake, monitor):
    with pytest.raises(MonitoringStateError, match="runs already"):
        monitor.start_monitoring()
    with pytest.raises(MonitoringStateError, match="before start_monitoring"):
        monitor.configure()
    monitor.stop_monitoring()
    assert not monitor.monitoring
    for call in (monitor.stop_monitoring, monitor.get_context_switches, lambda: monitor.placement, lambda: monitor.client):
        with pytest.raises(MonitoringStateError, match="call start_monitoring"):
            call()
    monitor.start_monitoring()
    assert [list(request.pids) for request in fake.requests("Attach")] == [[11], [11]], "it attaches them anew"


def test_a_start_that_fails_leaves_nothing_begun(fake):
    fake.answer("GetStatus", loop_status())
    fake.refuse("Attach", grpc.StatusCode.NOT_FOUND, "pid 11: there is no such process", "NO_SUCH_PROCESS")
    monitor = HFTResourceMonitor(fake.address)
    monitor.attach_process(11)
    with pytest.raises(ProcessNotFoundError, match="no such process") as caught:
        monitor.start_monitoring()
    assert caught.value.reason == "NO_SUCH_PROCESS" and not monitor.monitoring
    assert fake.session_ended.wait(20)


def test_counters_that_the_host_has_not_leave_the_rest_and_a_reason(fake, monitor):
    def attach(request, context):
        if request.options.cache:
            from fake_monitor import fail

            fail(context, grpc.StatusCode.FAILED_PRECONDITION, "this guest has no PMU", "NO_COUNTERS")
        return targets_pb2.AttachResponse()

    fake.answers["Attach"] = attach
    fake.answer("QueryCache", cache_pb2.QueryCacheResponse(available=False, reason="nothing is counted"))
    monitor.attach_process(12, track_cache=True)
    assert [one.cache for one in options_of(fake)[1:]] == [True, False]
    metrics = monitor.get_cache_metrics(pids=[12])
    assert metrics.l1_hit_rate is None and metrics.reason == "this guest has no PMU", "the refusal tells more than that nothing is counted"
    fake.answer("QueryCache", cache_pb2.QueryCacheResponse(available=True))
    assert monitor.get_cache_metrics(pids=[12]).reason == "this guest has no PMU"
    assert monitor.get_cache_metrics(pids=[11]).reason == "attached without track_cache=True"


def test_a_floor_above_the_question_is_lowered_once_and_the_answer_says_since_when(fake, monitor):
    fake.answer("DetectSpikes", spikes_pb2.DetectSpikesResponse(incomplete=True, floor_ns=50 * US))
    first, second = monitor.detect_latency_spikes(threshold_us=10), monitor.detect_latency_spikes(threshold_us=10)
    assert "of process 11 from now on only" in first.incomplete_reason
    assert "from now on" not in second.incomplete_reason and second.incomplete
    assert [one.spike_threshold_ns for one in options_of(fake)] == [0, 10 * US]


def test_a_floor_that_is_low_enough_changes_nothing(fake, monitor):
    fake.answer("DetectSpikes", spikes_pb2.DetectSpikesResponse(floor_ns=5 * US))
    assert not monitor.detect_latency_spikes(threshold_us=10).incomplete
    assert len(fake.requests("Attach")) == 1


def test_events_of_switches_ask_for_the_threshold_that_records_them(fake, monitor):
    fake.answer("QueryContextSwitches", switches_pb2.QueryContextSwitchesResponse(events_incomplete=True))
    answer = monitor.get_context_switches(min_duration_us=100)
    assert "from now on only" in answer.incomplete_reason
    assert fake.requests("QueryContextSwitches")[0].min_duration_ns == 100 * US
    assert [one.blocked_threshold_ns for one in options_of(fake)] == [0, 100 * US]
    monitor.get_context_switches(min_duration_us=500)
    assert options_of(fake)[-1].blocked_threshold_ns == 100 * US, "what another question needed stays"
    assert len(options_of(fake)) == 2


def test_counts_alone_ask_for_no_event(fake, monitor):
    fake.answer("QueryContextSwitches", switches_pb2.QueryContextSwitchesResponse())
    monitor.get_context_switches()
    assert fake.requests("QueryContextSwitches")[0].min_duration_ns == 0
    assert len(fake.requests("Attach")) == 1


def test_stacks_are_asked_for_before_the_question(fake, monitor):
    fake.answer("QueryContextSwitches", switches_pb2.QueryContextSwitchesResponse(events=[switches_pb2.SwitchEvent(kind="yield")]))
    first, second = (monitor.get_context_switches(include_stack_trace=True).events[0] for _ in range(2))
    assert "from now on" in first.stack_reason and "none was taken" in second.stack_reason
    assert [one.stacks for one in options_of(fake)] == [0, targets_pb2.STACK_CHOICE_BOTH]
    names = [name for name, _ in fake.calls]
    assert names.index("QueryContextSwitches") > max(index for index, name in enumerate(names) if name == "Attach")


def test_memory_is_looked_at_only_where_it_was_allowed(fake, monitor):
    stats = monitor.get_numa_stats()
    assert fake.requests("QueryNuma") == [], "no pid would mean every target of the daemon"
    assert stats.nodes == () and "track_numa=True" in stats.unavailable["nodes"] and "track_numa=True" in stats.processes[0].reason
    fake.answer("QueryNuma", numa_pb2.QueryNumaResponse(processes=[numa_pb2.ProcessPlacement(pid=12)]))
    monitor.attach_process(12, track_numa=True)
    stats = monitor.get_numa_stats(include_heatmap=True, resolution="page")
    assert list(fake.requests("QueryNuma")[0].pids) == [12]
    assert fake.requests("QueryNuma")[0].resolution == numa_pb2.HEAT_MAP_RESOLUTION_PAGE
    assert [one.pid for one in stats.processes] == [12, 11]
    monitor.get_numa_stats()
    assert fake.requests("QueryNuma")[1].resolution == numa_pb2.HEAT_MAP_RESOLUTION_UNSPECIFIED
    with pytest.raises(ConfigurationError, match="choose node, page, cache_line"):
        monitor.get_numa_stats(True, "byte")


def test_what_the_daemon_refuses_is_told_with_its_reason(fake, monitor):
    fake.refuse("DetectSpikes", grpc.StatusCode.FAILED_PRECONDITION, "hftmon is off: hftmon on", "OFF")
    with pytest.raises(QueryError) as caught:
        monitor.detect_latency_spikes()
    assert caught.value.reason == "OFF" and caught.value.__cause__.code == "FAILED_PRECONDITION"


@pytest.mark.parametrize("values, wrong", [
    ({"sampling_interval_us": 99}, "100 to 60000000 us"), ({"sampling_interval_us": "fast"}, "sampling_interval_us"),
    ({"cpu_affinity": [100000]}, "names CPU 100000"), ({"cpu_affinity": "0"}, "numbers of CPUs"),
    ({"cpu_affinity": 1.5}, "numbers of CPUs"),
    ({"cpu_affinity": [True]}, "numbers of CPUs"), ({"realtime_priority": 100}, "1 (lowest) to 99"),
    ({"realtime_priority": "high"}, "choose 1")])
def test_a_bad_configuration_says_what_is_allowed(values, wrong):
    with pytest.raises(ConfigurationError) as caught:
        HFTResourceMonitor().configure(**values)
    assert wrong in str(caught.value) and isinstance(caught.value, ValueError)


def test_a_good_configuration_is_kept_as_it_is():
    cpu = min(os.sched_getaffinity(0))
    assert make_configuration(100, cpu, 5) == (100, (cpu,), 5)
    assert make_configuration(None, [cpu, cpu], None) == (None, (cpu,), 0)


@pytest.mark.parametrize("pid", [0, -1, "matcher", True, 1.5])
def test_a_pid_is_the_number_of_a_process(pid):
    with pytest.raises(ProcessNotFoundError, match="give the number of a process"):
        HFTResourceMonitor().attach_process(pid)


def test_a_threshold_below_a_microsecond_is_refused(monitor):
    for ask in (lambda: monitor.detect_latency_spikes(threshold_us=0.5), lambda: monitor.get_context_switches(min_duration_us=-1),
                lambda: monitor.attach_process(5, spike_threshold_us="x")):
        with pytest.raises(ConfigurationError, match="choose 1 us or more"):
            ask()


def start(fake, **configuration):
    monitor = HFTResourceMonitor(fake.address)
    monitor.configure(**configuration)
    monitor.start_monitoring()
    return monitor


CPU = min(os.sched_getaffinity(0))


def test_a_shared_daemon_that_is_so_already_satisfies_the_configuration(fake):
    fake.answer("GetStatus", loop_status(CPU, "SCHED_FIFO priority 10"))
    with start(fake, cpu_affinity=CPU, realtime_priority=10) as monitor:
        placement = monitor.placement
    assert (placement.private, placement.cpu, placement.scheduling) == (False, CPU, "SCHED_FIFO priority 10")


def test_a_shared_daemons_cpu_is_its_operators(fake):
    fake.answer("GetStatus", loop_status(CPU + 1000))
    with pytest.raises(ConfigurationError, match=f"`cpu: {CPU}` in /etc/hftmon/hftmond.conf"):
        start(fake, cpu_affinity=CPU)


def test_a_shared_daemons_priority_is_one_number_and_an_operators_call(fake):
    scheduling = ["SCHED_OTHER nice -20"]
    fake.answers["GetStatus"] = lambda request, context: loop_status(CPU, scheduling[0])
    with pytest.raises(ConfigurationError, match="`scheduling: \"fifo\"` in /etc/hftmon/hftmond.conf makes it SCHED_FIFO priority 10"):
        start(fake, realtime_priority=50)

    def set_mode(request, context):
        assert (request.mode, request.scheduling) == ("auto", "fifo")
        scheduling[0] = "SCHED_FIFO priority 10"
        return operation_pb2.SetModeResponse()

    fake.answers["SetMode"] = set_mode
    with start(fake, realtime_priority=10) as monitor:
        assert monitor.placement.scheduling == "SCHED_FIFO priority 10"


def test_a_priority_without_effect_is_an_error(fake):
    fake.answer("GetStatus", loop_status())
    fake.answer("SetMode", operation_pb2.SetModeResponse())
    with pytest.raises(ConfigurationError, match="could not be made real time: it is SCHED_OTHER nice -20"):
        start(fake, realtime_priority=10)
    fake.refuse("SetMode", grpc.StatusCode.PERMISSION_DENIED, "SetMode is an operator's", "NOT_AN_OPERATOR")
    with pytest.raises(InsufficientPrivilegesError, match="an operator's"):
        start(fake, realtime_priority=10)


def test_without_a_daemon_and_without_leave_to_start_one_nobody_answers(tmp_path):
    with pytest.raises(DaemonUnavailableError, match="No such file or directory"):
        HFTResourceMonitor(f"unix:{tmp_path}/none.sock", private=False).start_monitoring()
    with pytest.raises(ConfigurationError, match="leave one out"):
        HFTResourceMonitor("unix:/run/x.sock", private=True).start_monitoring()


def test_the_environments_daemon_is_used_and_none_started(fake, monkeypatch):
    monkeypatch.setenv("HFTMON_SERVER", fake.address)
    fake.answer("GetStatus", loop_status())
    with HFTResourceMonitor(hftmond="/bin/false") as monitor:
        monitor.start_monitoring()
        assert monitor.client.address == fake.address
