"""ServerAddress: where a daemon listens, as the user writes it; and why nobody answers there. Any thread."""

from __future__ import annotations

import errno
import os
import socket
from typing import NamedTuple, Optional

from hftmon.errors import HftmonError, InvalidArgumentError, PermissionDeniedError, UnavailableError

DEFAULT_ADDRESS = "unix:/run/hftmon/hftmond.sock"  # where the packaged service listens
SOCKET_PATH_BYTES_MAX = 107  # of sockaddr_un
_UNIX = "unix:"


class ServerAddress(NamedTuple):
    text: str  # as written, for messages
    grpc_target: str
    socket_path: str  # of a Unix socket; empty for TCP


def default_address() -> str:
    """HFTMON_SERVER, else the packaged service's socket."""
    return os.environ.get("HFTMON_SERVER") or DEFAULT_ADDRESS


def parse_address(text: str) -> ServerAddress:
    """`unix:PATH`, or a loopback `HOST:PORT`. InvalidArgumentError says what is wrong and what to write."""
    if text.startswith(_UNIX):
        path = text[len(_UNIX):]
        if path.startswith("///"):
            path = path[2:]
        if not path:
            raise _invalid(text, "the socket's path is missing", "write unix:PATH")
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
            raise _invalid(text, f"the path is longer than the {SOCKET_PATH_BYTES_MAX} bytes that a Unix socket can have",
                           "use a shorter one")
        return ServerAddress(text, _UNIX + path, path)
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise _invalid(text, "neither a socket nor a host with a port", "write unix:PATH or HOST:PORT")
    if not (port.isascii() and port.isdigit()) or not 1 <= int(port) <= 65535:
        raise _invalid(text, "the port is not a number from 1 to 65535", "write HOST:PORT, such as localhost:50051")
    if not _is_loopback(host[1:-1] if host.startswith("[") and host.endswith("]") else host):
        raise _invalid(text, "only loopback hosts can be reached without mutual TLS, which this release does not have",
                       "forward the port with `ssh -L` and name localhost:PORT")
    return ServerAddress(text, "dns:///" + text, "")


def connect_error(socket_path: str) -> int:
    """0 when the socket accepts, else the errno of the failed connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as probe:
        return probe.connect_ex(socket_path)


def explain_unreachable(address: ServerAddress, transport_error: str) -> HftmonError:
    """Tries a connection of its own, so that a missing daemon, a missing right and a daemon that hangs up are told apart."""
    mend = (f"start it with `systemctl start hftmond` or `hftmond --listen {address.text}`, or name another address; if it was started "
            "just now, wait for its line `listening on`")
    if not address.socket_path:
        return UnavailableError(f"no hftmond answers at {address.text}: {transport_error}: {mend}", mend=mend)
    error = connect_error(address.socket_path)
    if error in (errno.EACCES, errno.EPERM):
        mend = "run as root, or as a member of the group that owns the socket"
        return PermissionDeniedError(f"{address.text}: {os.strerror(error)}: {mend}", mend=mend)
    if error in (0, errno.EAGAIN):
        mend = "see `journalctl -u hftmond` and try again"
        return UnavailableError(f"hftmond at {address.text} accepts but broke off ({transport_error}): {mend}", mend=mend)
    return UnavailableError(f"no hftmond answers at {address.text} ({os.strerror(error)}): {mend}", mend=mend)


def own_pid_namespace(link: str = "/proc/self/ns/pid") -> Optional[int]:
    """The inode number of this process's pid namespace; None: it is the initial one. HftmonError: it cannot be told."""
    initial = 0xEFFFFFFC  # PROC_PID_INIT_INO of the kernel
    try:
        number = os.stat(link).st_ino
    except OSError as error:
        mend = "mount /proc, or set host_numbers and give the host's numbers"
        raise HftmonError(f"cannot tell which pid namespace this process is in: {link}: {error.strerror}: {mend}", mend=mend) from error
    return None if number == initial else number


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.") and all(letter in "0123456789." for letter in host)


def _invalid(text: str, cause: str, mend: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"server address '{text}': {cause}: {mend}", mend=mend)
