"""Exceptions of hft_resource_monitor: each names the thing, the cause and the mend, and carries what the daemon said.

What hftmon raised is the __cause__, and its reason and metadata are here too.
"""

from __future__ import annotations

from typing import Dict, Optional, Type

import hftmon


class HFTMonitorError(Exception):
    """Base of all.

    reason    stable, for programs, e.g. "NOT_A_TARGET"; empty where no daemon was asked
    metadata  e.g. {"limit": "targets_max", "value": "1024"}
    mend      what helps, where it is known apart from the text
    """

    def __init__(self, message: str, *, reason: str = "", metadata: Optional[Dict[str, str]] = None, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.mend = mend


class ConfigurationError(HFTMonitorError, ValueError):
    """What configure() was told is no value, or cannot be had of this daemon; the text names the setting that can."""


class MonitoringStateError(HFTMonitorError, RuntimeError):
    """A call at the wrong time: not started yet, started already, stopped."""


class ProcessNotFoundError(HFTMonitorError, LookupError):
    """There is no such process, or it is not attached to this monitor."""


class InsufficientPrivilegesError(HFTMonitorError):
    """This program may not do it: open the daemon's socket, start one of its own, call what is an operator's."""


class DaemonUnavailableError(HFTMonitorError):
    """Nobody answers, and no private daemon could be started."""


class QueryError(HFTMonitorError):
    """The daemon refused a question: a bad value, a limit, quiet hours, programs that are off."""


_KINDS: Dict[Type[hftmon.HftmonError], Type[HFTMonitorError]] = {
    hftmon.NotFoundError: ProcessNotFoundError,
    hftmon.PermissionDeniedError: InsufficientPrivilegesError,
    hftmon.UnauthenticatedError: InsufficientPrivilegesError,
    hftmon.UnavailableError: DaemonUnavailableError,
    hftmon.DeadlineExceededError: DaemonUnavailableError,
}


def from_hftmon(error: hftmon.HftmonError) -> HFTMonitorError:
    """The exception for what a call of hftmon raised: `raise from_hftmon(error) from error`."""
    kind = _KINDS.get(type(error), QueryError)
    return kind(error.message, reason=error.reason, metadata=error.metadata, mend=error.mend)
