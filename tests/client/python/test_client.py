"""hftmon.Client against a fake daemon: what it sends, what it makes of answers, and what ends with it."""

import threading

import grpc
import hftmon
import pytest
from hftmon import messages
from hftmon.v1 import common_pb2, monitor_pb2, spikes_pb2, switches_pb2, targets_pb2, threads_pb2

CALLS = {method.name for method in monitor_pb2.DESCRIPTOR.services_by_name["Monitor"].methods}


def test_every_call_of_the_service_is_a_method():
    from hftmon._calls import AsyncCalls, Calls

    def snake(name):
        return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")

    for name in CALLS:
        assert callable(getattr(Calls, snake(name))) and callable(getattr(AsyncCalls, snake(name))), name


def test_every_message_survives_the_way_to_protobuf_and_back():
    for name in messages.__all__:
        kind = getattr(messages, name)
        if issubclass(kind, messages.Record):
            filled = kind(**{field.name: sample(field) for field in kind.FIELDS})
            assert kind.from_proto(filled.to_proto()) == (filled if not has_oneof(kind) else kind.from_proto(filled.to_proto())), name
            assert kind.from_proto(kind.PROTO()) == kind(), f"{name}: the defaults are protobuf's"


def has_oneof(kind):
    return any(len(oneof.fields) > 1 for oneof in kind.PROTO.DESCRIPTOR.oneofs)


def sample(field):
    values = {"int": 3, "float": 0.5, "bool": True, "str": "x", "bytes": b"x"}
    if field.kind == "map":
        return {"key": values[field.type_name]}
    if field.kind == "mask":
        return ("one",)
    value = values.get(field.kind)
    if field.kind == "enum":
        value = getattr(messages, field.type_name)(1)
    elif field.kind == "record":
        value = getattr(messages, field.type_name)()
    return (value,) if field.repeated else value


def test_a_question_and_its_answer(fake):
    answer = switches_pb2.QueryContextSwitchesResponse(lost_records=2, threads=[switches_pb2.ThreadSwitches(
        thread=common_pb2.ThreadId(tid=12, pid=11, comm="matcher"), voluntary_count=3, kinds={"yield": 1})])
    fake.answer("QueryContextSwitches", answer)
    with hftmon.Client(fake.address) as client:
        got = client.query_context_switches(pids=[11], window_ns=1_000, percentiles=[50, 99.9])
    request = fake.requests("QueryContextSwitches")[0]
    assert (list(request.pids), request.window_ns, list(request.percentiles)) == ([11], 1_000, [50, 99.9])
    assert got.lost_records == 2
    assert got.threads[0].thread == messages.ThreadId(tid=12, pid=11, comm="matcher")
    assert got.threads[0].voluntary_total is None, "absent is None"
    assert got.threads[0].kinds == {"yield": 1}


def test_an_answer_cannot_be_changed():
    import dataclasses

    with pytest.raises(dataclasses.FrozenInstanceError):
        messages.ThreadId(tid=1).tid = 2
    assert dataclasses.replace(messages.ThreadId(tid=1), tid=2) == messages.ThreadId(tid=2)
    assert hash(messages.ThreadId(tid=1)) == hash(messages.ThreadId(tid=1))


def test_a_bad_keyword_or_value_never_reaches_the_daemon(fake):
    with hftmon.Client(fake.address) as client:
        with pytest.raises(TypeError):
            client.query_context_switches(window_us=1)
        with pytest.raises(TypeError):
            client.query_context_switches(pids=["matcher"])
        with pytest.raises(ValueError):
            client.query_context_switches(pids=[2**40])
    assert fake.calls == []


def test_what_is_attached_is_of_one_session_that_ends_with_the_client(fake):
    fake.answer("Attach", targets_pb2.AttachResponse(targets=[targets_pb2.Target(pid=5)]))
    fake.answer("Detach", targets_pb2.DetachResponse())
    with hftmon.Client(fake.address, name="tester") as client:
        client.attach(pids=[5], options=messages.TargetOptions(spike_threshold_ns=50_000))
        client.attach(pids=[6])
        client.detach(pids=[6])
        client.attach(pids=[7], persist=True)
        client.attach(pids=[8], session_id=3)
        client.detach(pids=[5], force=True)
        assert not fake.session_ended.is_set()
    assert fake.session_ended.wait(20), "close() ends the session"
    assert [request.client for request in fake.requests("HoldTargets")] == ["tester"]
    assert [request.session_id for request in fake.requests("Attach")] == [7, 7, 0, 3]
    assert [request.session_id for request in fake.requests("Detach")] == [7, 0]
    assert fake.requests("Attach")[0].options.spike_threshold_ns == 50_000


def test_detach_opens_no_session(fake):
    fake.answer("Detach", targets_pb2.DetachResponse())
    with hftmon.Client(fake.address) as client:
        client.detach(all=True)
    assert fake.requests("HoldTargets") == []


def test_a_session_that_the_daemon_ended_is_opened_anew(fake):
    ids = iter((1, 2))
    fake.answers["HoldTargets"] = lambda request, context: [targets_pb2.HoldTargetsResponse(session_id=next(ids))]
    fake.answer("Attach", targets_pb2.AttachResponse())
    with hftmon.Client(fake.address) as client:
        client.attach(pids=[5])
        wait_until(lambda: client._session.ended)
        client.attach(pids=[5])
    assert [request.session_id for request in fake.requests("Attach")] == [1, 2]


def wait_until(condition):
    """Polls a state of gRPC's threads that has no event of its own."""
    tick = threading.Event()
    for _ in range(2000):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("it did not happen within 20 s")


def test_a_session_that_does_not_begin_is_given_up_at_the_deadline(fake):
    release = threading.Event()

    def silent(request, context):
        release.wait(20)
        return []

    fake.answers["HoldTargets"] = silent
    with hftmon.Client(fake.address, deadline_s=0.1) as client:
        with pytest.raises(hftmon.DeadlineExceededError, match="did not begin HoldTargets within 100 ms"):
            client.attach(pids=[5])
        release.set()


def spike(number, **fields):
    return spikes_pb2.StreamSpikesResponse(spike=spikes_pb2.Spike(id=number, kind="preempted", **fields))


def test_spikes_come_as_an_iterator_and_what_was_lost_beside(fake):
    held = threading.Event()

    def stream(request, context):
        context.add_callback(held.set)
        yield spikes_pb2.StreamSpikesResponse(unslotted_thread_count=4, time=common_pb2.TimePair(monotonic_ns=9))
        yield spike(1)
        yield spikes_pb2.StreamSpikesResponse(spike=spikes_pb2.Spike(id=2), dropped=5, lost_records=6)
        held.wait()

    fake.answers["StreamSpikes"] = stream
    with hftmon.Client(fake.address) as client:
        with client.spikes(pids=[3], threshold_ns=50_000) as spikes:
            assert (spikes.unslotted_thread_count, spikes.dropped, spikes.time.monotonic_ns) == (4, 0, 9)
            assert [next(spikes).id, next(spikes).id] == [1, 2]
            assert (spikes.dropped, spikes.lost_records) == (5, 6)
        assert held.wait(20), "the end of the block cancels the call"
        assert list(spikes) == [], "a stream that was cancelled has ended"
    assert fake.requests("StreamSpikes")[0].threshold_ns == 50_000


def test_a_stream_may_be_cancelled_by_another_thread(fake):
    held = threading.Event()

    def stream(request, context):
        context.add_callback(held.set)
        yield spikes_pb2.StreamSpikesResponse()
        held.wait()

    fake.answers["StreamSpikes"] = stream
    with hftmon.Client(fake.address) as client:
        spikes = client.spikes()
        timer = threading.Timer(0.05, spikes.cancel)
        timer.start()
        assert list(spikes) == []


def test_a_stream_that_the_daemon_refuses_raises_at_once(fake):
    fake.refuse("StreamSpikes", grpc.StatusCode.NOT_FOUND, "pid 3: not a target", "NOT_A_TARGET")
    with hftmon.Client(fake.address) as client:
        with pytest.raises(hftmon.NotFoundError) as caught:
            client.spikes(pids=[3])
    assert caught.value.reason == "NOT_A_TARGET"


def test_the_end_of_a_stream_ends_the_iteration(fake):
    fake.answers["StreamSpikes"] = lambda request, context: [spikes_pb2.StreamSpikesResponse(), spike(1)]
    with hftmon.Client(fake.address) as client:
        assert [one.id for one in client.spikes()] == [1]
        assert [message.spike.id if message.spike else None for message in client.stream_spikes()] == [None, 1]


def test_sampling_takes_its_time_beside_the_deadline():
    from hftmon.call_options import takes_s

    second = 1_000_000_000
    assert takes_s("QueryThreads", messages.QueryThreadsRequest()) == 0
    assert takes_s("SampleState", messages.SampleStateRequest()) == 1
    assert takes_s("SampleState", messages.SampleStateRequest(duration_ns=99 * second)) == 10
    assert takes_s("SampleAccesses", messages.SampleAccessesRequest(duration_ns=30 * second)) == 30
    assert takes_s("QueryNuma", messages.QueryNumaRequest(growth_ns=5 * second, bandwidth_ns=second)) == 66
    assert takes_s("MeasureNuma", messages.MeasureNumaRequest()) == 10


def test_ids_are_named_as_of_another_namespace_only_where_asked(fake):
    fake.answer("QueryThreads", threads_pb2.QueryThreadsResponse())
    for options, expected in (({"pid_namespace_of": 4711}, "4711"), ({"host_numbers": True, "pid_namespace_of": 4711}, None)):
        with hftmon.Client(fake.address, **options) as client:
            client.query_threads()
        assert fake.metadata["QueryThreads"].get("hftmon-pid-namespace-of") == expected


def test_a_value_of_an_enum_that_this_package_does_not_know_stays_a_number():
    target = targets_pb2.Target(pid=1, state=99)
    assert messages.Target.from_proto(target).state == 99
    assert messages.Target.from_proto(targets_pb2.Target(state=1)).state is messages.TargetState.RUNNING


def test_the_default_address_is_the_environments_else_the_services(monkeypatch):
    monkeypatch.setenv("HFTMON_SERVER", "unix:/tmp/mine.sock")
    with hftmon.Client() as client:
        assert client.address == "unix:/tmp/mine.sock"
    monkeypatch.delenv("HFTMON_SERVER")
    with hftmon.Client() as client:
        assert client.address == hftmon.DEFAULT_ADDRESS
