"""RichError: exceptions out of what gRPC raises, with the daemon's google.rpc details.

The messages of google.rpc live in a descriptor pool of this module's own: programs that load googleapis-common-protos have files of the
same names in the pool that all share, and one pool takes one file of a name. Any thread.
"""

from __future__ import annotations

import pkgutil
from typing import Any, Optional

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from hftmon.address import ServerAddress, explain_unreachable
from hftmon.errors import DeadlineExceededError, FieldViolation, HftmonError, error_class

DETAILS_KEY = "grpc-status-details-bin"


def _load_messages() -> Any:
    """name → class, of google.rpc."""
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(pkgutil.get_data("hftmon", "google_rpc.binpb") or b"")
    for file in files.file:
        pool.Add(file)
    if hasattr(message_factory, "GetMessageClass"):
        make = message_factory.GetMessageClass
    else:
        make = message_factory.MessageFactory(pool).GetPrototype
    return {name: make(pool.FindMessageTypeByName("google.rpc." + name)) for name in ("Status", "ErrorInfo", "BadRequest")}


GOOGLE_RPC = _load_messages()


def details_of(error: Any) -> Optional[bytes]:
    """The serialized google.rpc.Status of a failed call; None when the daemon sent none."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY:
            return value
    return None


def from_rpc_error(error: Any, address: ServerAddress, deadline_s: Optional[float] = None) -> HftmonError:
    """The exception for what a call raised (a grpc.RpcError). `deadline_s`: of that call, None for a stream."""
    code, details = error.code(), details_of(error)
    message = error.details() or code.name
    if details is None and code == grpc.StatusCode.UNAVAILABLE:
        return explain_unreachable(address, message)
    if details is None and code == grpc.StatusCode.DEADLINE_EXCEEDED and deadline_s is not None:
        mend = "allow more with deadline_s, or see `hftmon status`"
        return DeadlineExceededError(f"hftmond at {address.text} did not answer within {deadline_s * 1000:.0f} ms: {mend}", mend=mend)
    rich = {"reason": "", "domain": "", "metadata": {}, "violations": ()}
    for detail in GOOGLE_RPC["Status"].FromString(details).details if details else ():
        info, bad_request = GOOGLE_RPC["ErrorInfo"](), GOOGLE_RPC["BadRequest"]()
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info):
            rich.update(reason=info.reason, domain=info.domain, metadata=dict(info.metadata))
        elif detail.Is(bad_request.DESCRIPTOR) and detail.Unpack(bad_request):
            rich["violations"] = tuple(FieldViolation(one.field, one.description) for one in bad_request.field_violations)
    return error_class(code.name)(message, mend=rich["metadata"].get("mend", ""), **rich)
