"""Errors: one exception for each status code, with what the daemon said beyond the message.

Every failed call raises a HftmonError. Its text names the thing, the cause and the mend; `reason` is stable, for programs.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Tuple, Type


class FieldViolation(NamedTuple):
    """A field of the request that the daemon refused."""

    field: str  # path in the request, such as "options.spike_threshold_ns"
    description: str


class HftmonError(Exception):
    """What failed, and what the daemon said of it (google.rpc.ErrorInfo and BadRequest).

    code        the status code's name, such as "NOT_FOUND"
    message     the thing, the cause and the mend
    reason      e.g. "NO_SUCH_PROCESS"; empty when the call never reached the daemon
    domain      "hftmon"; likewise
    metadata    e.g. {"limit": "targets_max", "value": "1024"}
    violations  the fields that were refused
    mend        what helps, where it is known apart from the message: it is always in the message too
    """

    code = "UNKNOWN"

    def __init__(self, message: str, *, reason: str = "", domain: str = "", metadata: Optional[Dict[str, str]] = None,
                 violations: Tuple[FieldViolation, ...] = (), mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.domain = domain
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.mend = mend


class InvalidArgumentError(HftmonError, ValueError):
    """A bad value: `violations` has the fields."""

    code = "INVALID_ARGUMENT"


class NotFoundError(HftmonError, LookupError):
    """No such process, target, thread, metric."""

    code = "NOT_FOUND"


class PermissionDeniedError(HftmonError):
    """The socket may not be opened, or the call is for operators."""

    code = "PERMISSION_DENIED"


class UnauthenticatedError(HftmonError):
    code = "UNAUTHENTICATED"


class ResourceExhaustedError(HftmonError):
    """A limit is reached: `metadata` names the setting (`limit`) and its value."""

    code = "RESOURCE_EXHAUSTED"


class FailedPreconditionError(HftmonError):
    """Refused as things are: quiet hours, programs off, nothing to count with. `reason` says which."""

    code = "FAILED_PRECONDITION"


class AlreadyExistsError(HftmonError):
    code = "ALREADY_EXISTS"


class AbortedError(HftmonError):
    code = "ABORTED"


class OutOfRangeError(HftmonError):
    code = "OUT_OF_RANGE"


class UnimplementedError(HftmonError):
    """The daemon is older than this package, or newer and without the call."""

    code = "UNIMPLEMENTED"


class InternalError(HftmonError):
    code = "INTERNAL"


class UnavailableError(HftmonError):
    """Nobody answers, or the daemon ends."""

    code = "UNAVAILABLE"


class DataLossError(HftmonError):
    code = "DATA_LOSS"


class DeadlineExceededError(HftmonError):
    """The call took longer than it may: `deadline_s`."""

    code = "DEADLINE_EXCEEDED"


class CancelledError(HftmonError):
    """Somebody cancelled it, this program or the daemon."""

    code = "CANCELLED"


_BY_CODE: Dict[str, Type[HftmonError]] = {kind.code: kind for kind in HftmonError.__subclasses__()}


def error_class(code: str) -> Type[HftmonError]:
    """The exception of a status code's name."""
    return _BY_CODE.get(code, HftmonError)
