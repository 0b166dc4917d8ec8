"""hftmon: why did this thread stall? A client of hftmond.

    with hftmon.Client() as client:
        client.attach(pids=[4711])
        for thread in client.query_context_switches(window_ns=1_000_000_000).threads:
            ...

`Client` (and `hftmon.aio.Client`) has a method for each call of hftmon.v1.Monitor; `hftmon.messages` has its messages as dataclasses.
"""

from hftmon import messages
from hftmon.address import DEFAULT_ADDRESS
from hftmon.client import Client
from hftmon.columns import columns_of
from hftmon.errors import (
    AbortedError,
    AlreadyExistsError,
    CancelledError,
    DataLossError,
    DeadlineExceededError,
    FailedPreconditionError,
    FieldViolation,
    HftmonError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
)
from hftmon.private_daemon import PrivateDaemon
from hftmon.spike_stream import SpikeStream
from hftmon.stream import Stream

__all__ = [
    "AbortedError", "AlreadyExistsError", "CancelledError", "Client", "DEFAULT_ADDRESS", "DataLossError", "DeadlineExceededError",
    "FailedPreconditionError", "FieldViolation", "HftmonError", "InternalError", "InvalidArgumentError", "NotFoundError", "OutOfRangeError",
    "PermissionDeniedError", "PrivateDaemon", "ResourceExhaustedError", "SpikeStream", "Stream", "UnauthenticatedError", "UnavailableError",
    "UnimplementedError", "columns_of", "messages",
]
