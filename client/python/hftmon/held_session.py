"""HeldSession: a client's open HoldTargets call: what is attached in its name ends with it, or with this process.

Threads: a thread of its own waits for the call's end; the rest by any thread.
"""

from __future__ import annotations

import threading
from typing import Any

import grpc


class HeldSession:
    def __init__(self, call: Any, session_id: int) -> None:
        self.id = session_id
        self._call = call
        self._watcher = threading.Thread(target=self._wait, name="hftmon session", daemon=True)
        self._watcher.start()

    @property
    def ended(self) -> bool:
        """The daemon ended it, or is gone: nothing is held any more."""
        return not self._watcher.is_alive()

    def end(self) -> None:
        self._call.cancel()
        self._watcher.join()

    def _wait(self) -> None:
        try:
            for _ in self._call:  # there was one message; the end is awaited
                pass
        except grpc.RpcError:
            pass
