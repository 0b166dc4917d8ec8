"""hftmon.aio.Client against a fake daemon: the same calls, awaited."""

import asyncio
import threading

import grpc
import hftmon
import hftmon.aio
import pytest
from hftmon.v1 import spikes_pb2, status_pb2, targets_pb2, threads_pb2


def test_calls_run_at_the_same_time(fake):
    together = threading.Barrier(2)

    def answer(request, context):
        together.wait(20)  # broken unless both calls are open at once
        return threads_pb2.QueryThreadsResponse(lost_records=1)

    fake.answers["QueryThreads"] = answer

    async def ask():
        async with hftmon.aio.Client(fake.address) as client:
            return await asyncio.gather(client.query_threads(), client.query_threads(pids=[2]))

    assert [one.lost_records for one in asyncio.run(ask())] == [1, 1]


def test_an_error_carries_the_daemons_details(fake):
    fake.refuse("GetStatus", grpc.StatusCode.FAILED_PRECONDITION, "off", "OFF")

    async def ask():
        async with hftmon.aio.Client(fake.address) as client:
            await client.get_status()

    with pytest.raises(hftmon.FailedPreconditionError) as caught:
        asyncio.run(ask())
    assert caught.value.reason == "OFF"


def test_a_deadline_that_passes_says_so(fake):
    release = threading.Event()

    def slow(request, context):
        release.wait(20)
        return status_pb2.GetStatusResponse()

    fake.answers["GetStatus"] = slow

    async def ask():
        async with hftmon.aio.Client(fake.address) as client:
            with pytest.raises(hftmon.DeadlineExceededError, match="within 50 ms"):
                await client.get_status(deadline_s=0.05)

    asyncio.run(ask())
    release.set()


def test_spikes_come_to_async_for_and_the_blocks_end_cancels(fake):
    held = threading.Event()

    def stream(request, context):
        context.add_callback(held.set)
        yield spikes_pb2.StreamSpikesResponse(unslotted_thread_count=1)
        yield spikes_pb2.StreamSpikesResponse(spike=spikes_pb2.Spike(id=1), dropped=2)
        held.wait()

    fake.answers["StreamSpikes"] = stream

    async def follow():
        async with hftmon.aio.Client(fake.address) as client:
            async with await client.spikes(threshold_ns=1000) as spikes:
                assert spikes.unslotted_thread_count == 1
                async for spike in spikes:
                    assert (spike.id, spikes.dropped) == (1, 2)
                    break
            assert [one async for one in spikes] == [], "a stream that was cancelled has ended"

    asyncio.run(follow())
    assert held.wait(20)


def test_the_end_of_a_stream_ends_the_loop(fake):
    fake.answers["StreamSpikes"] = lambda request, context: [spikes_pb2.StreamSpikesResponse()]

    async def follow():
        async with hftmon.aio.Client(fake.address) as client:
            return [message async for message in client.stream_spikes()]

    assert len(asyncio.run(follow())) == 1


def test_a_task_that_is_cancelled_while_it_reads_stays_cancelled(fake):
    held = threading.Event()

    def stream(request, context):
        context.add_callback(held.set)
        yield spikes_pb2.StreamSpikesResponse()
        held.wait()

    fake.answers["StreamSpikes"] = stream

    async def follow():
        async with hftmon.aio.Client(fake.address) as client:
            spikes = await client.spikes()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(spikes.read(), 0.05)

    asyncio.run(follow())
    assert held.wait(20)


def test_what_is_attached_ends_with_the_client(fake):
    fake.answer("Attach", targets_pb2.AttachResponse())

    async def attach():
        async with hftmon.aio.Client(fake.address) as client:
            await asyncio.gather(client.attach(pids=[5]), client.attach(pids=[6]))

    asyncio.run(attach())
    assert fake.session_ended.wait(20)
    assert len(fake.requests("HoldTargets")) == 1, "one session, though two calls wanted it at once"
    assert [request.session_id for request in fake.requests("Attach")] == [7, 7]
