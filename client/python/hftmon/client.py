"""Client: a typed connection to one hftmond, for plain programs. hftmon.aio has the one for asyncio.

Threads: every method by any thread, at the same time. A call blocks its thread until the answer or the deadline; a stream has none. One
channel a client. fork(): before the first client, or exec at once in the child: gRPC has threads.
"""

from __future__ import annotations

import threading
from typing import Any, Iterable, Optional

import grpc
import grpc.experimental

from hftmon import messages
from hftmon._calls import Calls
from hftmon.call_options import CHANNEL_OPTIONS, DEADLINE_S_DEFAULT, CallOptions, own_session
from hftmon.errors import DeadlineExceededError, UnavailableError
from hftmon.held_session import HeldSession
from hftmon.rich_error import from_rpc_error
from hftmon.spike_stream import SpikeStream
from hftmon.stream import Stream
from hftmon.v1 import monitor_pb2_grpc

# The thread that iterates a stream reads it itself, without a thread of gRPC's between: a third of the CPU time.
STREAMS_OF_THEIR_READERS = ((grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),)


class Client(Calls):
    """`address`: `unix:PATH` or a loopback `HOST:PORT`; without it HFTMON_SERVER, else the packaged service's socket. The connection is
    made by the first call.

    What attach() asks for is this object's part: it ends with the object (close, or the end of the `with` block), or with the process
    however that ends, unless the request says `persist`. Pids and tids that are given are those of this process's own pid namespace, in a
    container too, unless `host_numbers` (the initial namespace's) or `pid_namespace_of` (that of this process) says otherwise.
    """

    def __init__(self, address: Optional[str] = None, *, deadline_s: float = DEADLINE_S_DEFAULT, name: str = "", host_numbers: bool = False,
                 pid_namespace_of: int = 0) -> None:
        self._options = CallOptions(address, deadline_s, name, host_numbers, pid_namespace_of)
        self._channel = grpc.insecure_channel(self._options.address.grpc_target, options=CHANNEL_OPTIONS + STREAMS_OF_THEIR_READERS)
        self._stub = monitor_pb2_grpc.MonitorStub(self._channel)
        self._session_lock = threading.Lock()
        self._session: Optional[HeldSession] = None

    @property
    def address(self) -> str:
        """As it was written."""
        return self._options.address.text

    def spikes(self, *, pids: Iterable[int] = (), threshold_ns: int = 0, blocked_threshold_ns: int = 0,
               queue_limit: int = 0) -> SpikeStream:
        """Spikes as they are detected, of targets (none named: all, those attached later included). Returns when the subscription is in
        force; the arguments are those of StreamSpikesRequest."""
        request = messages.StreamSpikesRequest(tuple(pids), threshold_ns, blocked_threshold_ns, queue_limit).to_proto()
        call = self._stub.StreamSpikes(request, metadata=self._options.metadata)
        return SpikeStream(call, self._first_message(call, "StreamSpikes"), self._options.address)

    def close(self) -> None:
        """Ends the session, and with it what was attached, and the connection. Streams that are open end."""
        with self._session_lock:
            if self._session is not None:
                self._session.end()
                self._session = None
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def _unary(self, method: str, request: Any, response: Any, deadline_s: Optional[float]) -> Any:
        message = request.to_proto()
        opens = own_session(method, request)
        if opens is not None:
            message.session_id = self._session_of(opens)
        limit_s = self._options.deadline_of(method, request, deadline_s)
        try:
            answer = getattr(self._stub, method)(message, timeout=limit_s, metadata=self._options.metadata)
        except grpc.RpcError as error:
            raise from_rpc_error(error, self._options.address, limit_s) from None
        return response.from_proto(answer)

    def _open_stream(self, method: str, request: Any, response: Any) -> Stream[Any]:
        call = getattr(self._stub, method)(request.to_proto(), metadata=self._options.metadata)
        return Stream(call, response.from_proto, self._options.address)

    def _session_of(self, opens: bool) -> int:
        """The session's id; 0 when there is none and `opens` is false."""
        with self._session_lock:
            if self._session is not None and self._session.ended:  # the daemon was started anew
                self._session = None
            if self._session is None:
                if not opens:
                    return 0
                call = self._stub.HoldTargets(messages.HoldTargetsRequest(self._options.name).to_proto(), metadata=self._options.metadata)
                self._session = HeldSession(call, self._first_message(call, "HoldTargets").session_id)
            return self._session.id

    def _first_message(self, call: Any, method: str) -> Any:
        """Of a stream that has no deadline itself: its first message within the client's."""
        limit_s = self._options.deadline_s
        late = threading.Event()

        def give_up() -> None:
            late.set()
            call.cancel()

        timer = threading.Timer(limit_s, give_up)
        timer.daemon = True
        timer.start()
        try:
            return next(call)
        except StopIteration:
            raise UnavailableError(
                f"hftmond at {self.address} ended {method} at once: it is stopping: call again when it has started") from None
        except grpc.RpcError as error:
            if late.is_set():
                raise DeadlineExceededError(
                    f"hftmond at {self.address} did not begin {method} within {limit_s * 1000:.0f} ms: allow more with deadline_s, or see "
                    "`hftmon status`") from None
            raise from_rpc_error(error, self._options.address) from None
        finally:
            timer.cancel()
