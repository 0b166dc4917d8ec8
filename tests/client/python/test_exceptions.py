"""Errors: one exception a status code, with the daemon's details; and those of hft_resource_monitor made of them."""

import socket
import subprocess
import sys
import threading

import grpc
import hft_resource_monitor
import hftmon
import pytest
from hft_resource_monitor.exceptions import from_hftmon
from hftmon.address import explain_unreachable, own_pid_namespace, parse_address
from hftmon.errors import error_class
from hftmon.v1 import status_pb2


def test_every_status_code_has_an_exception_of_its_own():
    codes = {code.name for code in grpc.StatusCode if code not in (grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN)}
    kinds = {code: error_class(code) for code in codes}
    assert len(set(kinds.values())) == len(codes)
    assert all(kind is not hftmon.HftmonError and kind.code == code for code, kind in kinds.items())
    assert error_class("UNKNOWN") is hftmon.HftmonError


def test_an_error_carries_reason_metadata_and_refused_fields(fake):
    fake.refuse("GetStatus", grpc.StatusCode.INVALID_ARGUMENT, "options.spike_threshold_ns: 5 is below 1 us: choose more", "BAD_FIELD",
                {"limit": "targets_max", "value": "1024"}, [("options.spike_threshold_ns", "is below 1 us")])
    with hftmon.Client(fake.address) as client:
        with pytest.raises(hftmon.InvalidArgumentError) as caught:
            client.get_status()
    error = caught.value
    assert isinstance(error, ValueError)
    assert str(error) == "options.spike_threshold_ns: 5 is below 1 us: choose more"
    assert (error.code, error.reason, error.domain) == ("INVALID_ARGUMENT", "BAD_FIELD", "hftmon")
    assert error.metadata == {"limit": "targets_max", "value": "1024"}
    assert error.violations == (hftmon.FieldViolation("options.spike_threshold_ns", "is below 1 us"),)


def test_an_error_without_details_has_its_message_alone(fake):
    fake.answers["GetStatus"] = lambda request, context: context.abort(grpc.StatusCode.INTERNAL, "broken")
    with hftmon.Client(fake.address) as client:
        with pytest.raises(hftmon.InternalError, match="broken") as caught:
            client.get_status()
    assert (caught.value.reason, caught.value.metadata, caught.value.violations) == ("", {}, ())


def test_a_deadline_names_the_daemon_and_the_mend(fake):
    release = threading.Event()

    def slow(request, context):
        release.wait(20)
        return status_pb2.GetStatusResponse()

    fake.answers["GetStatus"] = slow
    with hftmon.Client(fake.address, deadline_s=0.05) as client:
        with pytest.raises(hftmon.DeadlineExceededError) as caught:
            client.get_status()
        release.set()
    assert f"hftmond at {fake.address} did not answer within 50 ms" in str(caught.value)
    assert caught.value.mend and caught.value.mend in str(caught.value)


def test_a_missing_daemon_and_one_that_hangs_up_are_told_apart(tmp_path):
    path = str(tmp_path / "s")
    with hftmon.Client("unix:" + path) as client:
        with pytest.raises(hftmon.UnavailableError, match="No such file or directory.*systemctl start hftmond"):
            client.get_status()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        assert "accepts but broke off (reset)" in str(explain_unreachable(parse_address("unix:" + path), "reset"))
    assert "Connection refused" in str(explain_unreachable(parse_address("unix:" + path), ""))
    assert isinstance(explain_unreachable(parse_address("localhost:1"), "refused"), hftmon.UnavailableError)


@pytest.mark.parametrize("text, wrong", [
    ("unix:", "path is missing"), ("unix:/" + "x" * 107, "longer than the 107 bytes"), ("hftmond.sock", "neither a socket nor a host"),
    ("localhost:0", "not a number from 1 to 65535"), ("localhost:x", "not a number"), ("example.com:50051", "only loopback hosts"),
    ("127.evil.example:1", "only loopback hosts")])
def test_a_bad_address_says_what_to_write(text, wrong):
    with pytest.raises(hftmon.InvalidArgumentError, match=wrong):
        hftmon.Client(text)


@pytest.mark.parametrize("text, target, path", [
    ("unix:/run/x.sock", "unix:/run/x.sock", "/run/x.sock"), ("unix:///run/x.sock", "unix:/run/x.sock", "/run/x.sock"),
    ("unix:x.sock", "unix:x.sock", "x.sock"), ("localhost:50051", "dns:///localhost:50051", ""), ("[::1]:50051", "dns:///[::1]:50051", "")])
def test_addresses_are_those_of_the_other_clients(text, target, path):
    address = parse_address(text)
    assert (address.grpc_target, address.socket_path) == (target, path)


@pytest.mark.parametrize("options", [{"deadline_s": 0}, {"deadline_s": 3601}, {"name": "x" * 65}])
def test_a_bad_option_is_refused_before_any_connection(options):
    with pytest.raises(hftmon.InvalidArgumentError):
        hftmon.Client("unix:/run/x.sock", **options)


def test_a_pid_namespace_that_cannot_be_told_is_an_error_with_the_mend(tmp_path):
    with pytest.raises(hftmon.HftmonError, match="mount /proc"):
        own_pid_namespace(str(tmp_path / "pid"))
    (tmp_path / "other").touch()
    assert own_pid_namespace(str(tmp_path / "other")) == (tmp_path / "other").stat().st_ino


def test_programs_with_googles_own_files_of_the_same_names_can_load_this_one():
    """As googleapis-common-protos does: the same names with other contents, in the pool that all share."""
    program = (
        "from google.protobuf import descriptor_pb2, descriptor_pool, any_pb2\n"
        "for name in ('google/rpc/status.proto', 'google/rpc/error_details.proto'):\n"
        "    file = descriptor_pb2.FileDescriptorProto(name=name, package='google.rpc', syntax='proto3')\n"
        "    file.options.java_package = 'com.google.rpc'\n"
        "    file.message_type.add(name='Status' if 'status' in name else 'ErrorInfo')\n"
        "    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())\n"
        "import hftmon\n"
        "print(hftmon.rich_error.GOOGLE_RPC['ErrorInfo'](reason='X').reason)\n")
    run = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, check=False)
    assert run.stdout == "X\n", run.stderr


@pytest.mark.parametrize("kind, made", [
    (hftmon.NotFoundError, hft_resource_monitor.ProcessNotFoundError),
    (hftmon.PermissionDeniedError, hft_resource_monitor.InsufficientPrivilegesError),
    (hftmon.UnavailableError, hft_resource_monitor.DaemonUnavailableError),
    (hftmon.DeadlineExceededError, hft_resource_monitor.DaemonUnavailableError),
    (hftmon.FailedPreconditionError, hft_resource_monitor.QueryError),
    (hftmon.HftmonError, hft_resource_monitor.QueryError)])
def test_the_monitors_exceptions_keep_what_the_daemon_said(kind, made):
    error = from_hftmon(kind("it is so: do this", reason="WHY", metadata={"limit": "x"}, mend="do this"))
    assert type(error) is made and isinstance(error, hft_resource_monitor.HFTMonitorError)
    assert (str(error), error.reason, error.metadata, error.mend) == ("it is so: do this", "WHY", {"limit": "x"}, "do this")
