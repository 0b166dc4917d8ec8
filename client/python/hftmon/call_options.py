"""CallOptions: what the plain and the asyncio client do alike before a call: channel options, metadata, deadlines. Immutable, any
thread."""

from __future__ import annotations

import os
import sys
from typing import Any, List, Optional, Tuple

from hftmon.address import default_address, own_pid_namespace, parse_address
from hftmon.errors import InvalidArgumentError

DEADLINE_S_DEFAULT = 5.0
DEADLINE_S_MIN = 0.001
DEADLINE_S_MAX = 3600.0
CLIENT_NAME_BYTES_MAX = 64
# 100,000 spikes with all their causes, the most that one answer holds, stay below this.
_MESSAGE_BYTES_MAX = 256 << 20
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX), ("grpc.enable_http_proxy", 0))

_SECOND_NS = 1_000_000_000


def _clamped(value_ns: int, maximum_s: int) -> float:
    """In seconds. The daemon refuses what lies outside."""
    return min(max(value_ns, 0), maximum_s * _SECOND_NS) / _SECOND_NS


def takes_s(method: str, request: Any) -> float:
    """What an answer takes by the request, beside the deadline."""
    if method in ("SampleState", "SampleCounters"):
        return _clamped(request.duration_ns or _SECOND_NS, 10)
    if method == "SampleAccesses":
        return _clamped(request.duration_ns or _SECOND_NS, 60)
    if method == "QueryNuma":
        return 60 + _clamped(request.growth_ns, 60) + _clamped(request.bandwidth_ns, 10)
    return 10.0 if method == "MeasureNuma" else 0.0


class CallOptions:
    """InvalidArgumentError: a bad address, deadline or name."""

    def __init__(self, address: Optional[str], deadline_s: float, name: str, host_numbers: bool, pid_namespace_of: int) -> None:
        self.address = parse_address(default_address() if address is None else address)
        self.deadline_s = self._checked(deadline_s)
        self.name = name or f"{os.path.basename(sys.argv[0]) or 'python'}"[: CLIENT_NAME_BYTES_MAX - 16] + f"[{os.getpid()}]"
        if len(self.name.encode()) > CLIENT_NAME_BYTES_MAX:
            raise InvalidArgumentError(f"name '{self.name}': longer than {CLIENT_NAME_BYTES_MAX} bytes: use a shorter one")
        numbers: List[Tuple[str, str]] = []
        if not host_numbers:
            namespace = own_pid_namespace()
            if namespace is not None:
                numbers.append(("hftmon-pid-namespace", str(namespace)))
            if pid_namespace_of:
                numbers.append(("hftmon-pid-namespace-of", str(pid_namespace_of)))
        self.metadata = tuple(numbers) or None

    @staticmethod
    def _checked(deadline_s: float) -> float:
        if not DEADLINE_S_MIN <= deadline_s <= DEADLINE_S_MAX:
            raise InvalidArgumentError(f"deadline_s is {deadline_s}: choose {DEADLINE_S_MIN} to {DEADLINE_S_MAX:.0f} for a call")
        return float(deadline_s)

    def deadline_of(self, method: str, request: Any, deadline_s: Optional[float]) -> float:
        """In seconds, of one call. `deadline_s`: in place of the client's own."""
        return (self.deadline_s if deadline_s is None else self._checked(deadline_s)) + takes_s(method, request)


def own_session(method: str, request: Any) -> Optional[bool]:
    """Whether a call is made in the name of the client's session: None not, True the session is opened for it, False only if there is
    one."""
    if method == "Attach" and not request.persist and not request.session_id:
        return True
    if method == "Detach" and not request.persist and not request.force and not request.session_id:
        return False
    return None
