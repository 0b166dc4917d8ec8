"""SpikeStream and AsyncSpikeStream: spikes as they are detected, with what was lost on the way.

Threads: as hftmon.stream.
"""

from __future__ import annotations

from typing import Any, Optional

from hftmon import messages
from hftmon.address import ServerAddress
from hftmon.stream import AsyncStream, Stream


class SpikeCounts:
    """What a stream said beside its spikes, as of the newest one."""

    def __init__(self, first: Any) -> None:
        self.dropped = first.dropped  # spikes dropped for this reader so far: the oldest of a full queue
        self.lost_records = first.lost_records  # records that the kernel's rings lost so far
        self.unslotted_thread_count = first.unslotted_thread_count  # threads that found no place in the daemon's tables: theirs are missing
        self.time: Optional[messages.TimePair] = messages.TimePair.from_proto(first.time) if first.HasField("time") else None

    def _take(self, message: Any) -> Optional[messages.Spike]:
        self.dropped = message.dropped
        self.lost_records = message.lost_records
        if not message.HasField("spike"):
            return None
        if message.HasField("time"):
            self.time = messages.TimePair.from_proto(message.time)
        return messages.Spike.from_proto(message.spike)


class SpikeStream(SpikeCounts, Stream[messages.Spike]):
    """Iterates over messages.Spike; a stall that goes on comes twice, `in_progress` first, with the same id."""

    def __init__(self, call: Any, first: Any, address: ServerAddress) -> None:
        SpikeCounts.__init__(self, first)
        Stream.__init__(self, call, self._take, address)  # type: ignore[arg-type]

    def __next__(self) -> messages.Spike:
        while True:
            spike = super().__next__()
            if spike is not None:
                return spike


class AsyncSpikeStream(SpikeCounts, AsyncStream[messages.Spike]):
    """The same for `async for`."""

    def __init__(self, call: Any, first: Any, address: ServerAddress) -> None:
        SpikeCounts.__init__(self, first)
        AsyncStream.__init__(self, call, self._take, address)  # type: ignore[arg-type]

    async def __anext__(self) -> messages.Spike:
        while True:
            spike = await super().__anext__()
            if spike is not None:
                return spike
