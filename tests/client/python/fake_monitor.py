"""FakeMonitor: a Monitor service in this process, on a Unix socket of its own, whose answers the test scripts.

`answers[NAME]` is called with (request, context) and returns the answer, or an iterable of them for a stream. A call without an answer is
refused and noted in `unexpected`, which fails the test (conftest.py). Threads: set the answers before the calls; they run on gRPC's
threads.
"""

import shutil
import tempfile
import threading
from concurrent import futures

import grpc
from hftmon import rich_error
from hftmon.v1 import monitor_pb2, monitor_pb2_grpc, targets_pb2

METHODS = {method.name: method for method in monitor_pb2.DESCRIPTOR.services_by_name["Monitor"].methods}
# gRPC's threads of one server: sessions and streams each hold one.
WORKERS = 16


class FakeMonitor:
    def __init__(self):
        self.answers = {"HoldTargets": self._hold}
        self.calls = []  # (name, request), in order
        self.metadata = {}  # of the latest call of a name
        self.unexpected = []
        self.session_ended = threading.Event()
        self._folder = tempfile.mkdtemp(prefix="hftmon-fake.")
        self.address = f"unix:{self._folder}/monitor.sock"
        self._server = grpc.server(futures.ThreadPoolExecutor(WORKERS))
        servicer = type("Servicer", (monitor_pb2_grpc.MonitorServicer,), {name: self._method(name) for name in METHODS})()
        monitor_pb2_grpc.add_MonitorServicer_to_server(servicer, self._server)
        self._server.add_insecure_port(self.address)
        self._server.start()

    def stop(self):
        self._server.stop(None).wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def requests(self, name):
        return [request for called, request in self.calls if called == name]

    def answer(self, name, message):
        """The same answer to each call of a name."""
        self.answers[name] = lambda request, context: message

    def refuse(self, name, code, message, reason="", metadata=(), violations=()):
        """An error as the daemon makes it; `violations`: (field, description)."""
        def answer(request, context):
            fail(context, code, message, reason, metadata, violations)

        self.answers[name] = answer

    def _hold(self, request, context):
        ended = threading.Event()
        context.add_callback(ended.set)
        yield targets_pb2.HoldTargetsResponse(session_id=7)
        ended.wait()
        self.session_ended.set()

    def _method(self, name):
        def unary(servicer, request, context):
            self.calls.append((name, request))
            self.metadata[name] = dict(context.invocation_metadata())
            if name not in self.answers:
                self.unexpected.append((name, request))
                context.abort(grpc.StatusCode.UNIMPLEMENTED, "the test did not expect this call")
            return self.answers[name](request, context)

        def stream(servicer, request, context):
            yield from unary(servicer, request, context) or ()

        return stream if METHODS[name].server_streaming else unary


def fail(context, code, message, reason="", metadata=(), violations=()):
    """Ends a call as hftmond does: google.rpc.Status with ErrorInfo and BadRequest in the trailers."""
    messages = rich_error.GOOGLE_RPC  # the descriptor pool that the client itself uses
    status = messages["Status"](code=code.value[0], message=message)
    info = messages["ErrorInfo"](reason=reason, domain="hftmon")
    info.metadata.update(dict(metadata))
    status.details.add().Pack(info)
    if violations:
        bad_request = messages["BadRequest"]()
        for field, description in violations:
            bad_request.field_violations.add(field=field, description=description)
        status.details.add().Pack(bad_request)
    context.set_trailing_metadata(((rich_error.DETAILS_KEY, status.SerializeToString()),))
    context.abort(code, message)
