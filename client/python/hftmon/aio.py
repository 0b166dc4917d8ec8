"""hftmon.aio.Client: the same connection for asyncio.

    async with hftmon.aio.Client() as client:
        async with await client.spikes(threshold_ns=50_000) as spikes:
            async for spike in spikes:
                ...

Threads: one event loop owns a client, which is made while it runs. Cancelling a task that awaits a call cancels the call.
"""

from __future__ import annotations

import asyncio
from typing import Any, Iterable, Optional

import grpc
import grpc.aio

from hftmon import messages
from hftmon._calls import AsyncCalls
from hftmon.call_options import CHANNEL_OPTIONS, DEADLINE_S_DEFAULT, CallOptions, own_session
from hftmon.errors import DeadlineExceededError, UnavailableError
from hftmon.rich_error import from_rpc_error
from hftmon.spike_stream import AsyncSpikeStream
from hftmon.stream import AsyncStream
from hftmon.v1 import monitor_pb2_grpc


class Client(AsyncCalls):
    """As hftmon.Client; each call is awaited."""

    def __init__(self, address: Optional[str] = None, *, deadline_s: float = DEADLINE_S_DEFAULT, name: str = "", host_numbers: bool = False,
                 pid_namespace_of: int = 0) -> None:
        self._options = CallOptions(address, deadline_s, name, host_numbers, pid_namespace_of)
        self._channel = grpc.aio.insecure_channel(self._options.address.grpc_target, options=CHANNEL_OPTIONS)
        self._stub = monitor_pb2_grpc.MonitorStub(self._channel)
        self._session_lock = asyncio.Lock()
        self._session: Any = None  # the open HoldTargets call
        self._session_id = 0

    @property
    def address(self) -> str:
        """As it was written."""
        return self._options.address.text

    async def spikes(self, *, pids: Iterable[int] = (), threshold_ns: int = 0, blocked_threshold_ns: int = 0,
                     queue_limit: int = 0) -> AsyncSpikeStream:
        """As hftmon.Client.spikes."""
        request = messages.StreamSpikesRequest(tuple(pids), threshold_ns, blocked_threshold_ns, queue_limit).to_proto()
        call = self._stub.StreamSpikes(request, metadata=self._options.metadata)
        return AsyncSpikeStream(call, await self._first_message(call, "StreamSpikes"), self._options.address)

    async def close(self) -> None:
        """Ends the session, and with it what was attached, and the connection."""
        if self._session is not None:
            self._session.cancel()
            self._session = None
        await self._channel.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self.close()

    async def _unary(self, method: str, request: Any, response: Any, deadline_s: Optional[float]) -> Any:
        message = request.to_proto()
        opens = own_session(method, request)
        if opens is not None:
            message.session_id = await self._session_of(opens)
        limit_s = self._options.deadline_of(method, request, deadline_s)
        try:
            answer = await getattr(self._stub, method)(message, timeout=limit_s, metadata=self._options.metadata)
        except grpc.RpcError as error:
            raise from_rpc_error(error, self._options.address, limit_s) from None
        return response.from_proto(answer)

    def _open_stream(self, method: str, request: Any, response: Any) -> AsyncStream[Any]:
        call = getattr(self._stub, method)(request.to_proto(), metadata=self._options.metadata)
        return AsyncStream(call, response.from_proto, self._options.address)

    async def _session_of(self, opens: bool) -> int:
        """The session's id; 0 when there is none and `opens` is false."""
        async with self._session_lock:
            if self._session is not None and self._session.done():  # the daemon was started anew
                self._session = None
            if self._session is None:
                if not opens:
                    return 0
                call = self._stub.HoldTargets(messages.HoldTargetsRequest(self._options.name).to_proto(), metadata=self._options.metadata)
                self._session_id = (await self._first_message(call, "HoldTargets")).session_id
                self._session = call
            return self._session_id

    async def _first_message(self, call: Any, method: str) -> Any:
        """Of a stream that has no deadline itself: its first message within the client's."""
        try:
            message = await asyncio.wait_for(call.read(), self._options.deadline_s)
        except asyncio.TimeoutError:
            call.cancel()
            raise DeadlineExceededError(
                f"hftmond at {self.address} did not begin {method} within {self._options.deadline_s * 1000:.0f} ms: allow more with "
                "deadline_s, or see `hftmon status`") from None
        except grpc.RpcError as error:
            raise from_rpc_error(error, self._options.address) from None
        if message is grpc.aio.EOF:
            raise UnavailableError(f"hftmond at {self.address} ended {method} at once: it is stopping: call again when it has started")
        return message
