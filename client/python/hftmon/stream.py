"""Stream and AsyncStream: messages of a server-streaming call, as iterators.

Threads: one thread iterates a Stream; cancel() by any, at any time. Leaving the `with` block cancels. Bounds: gRPC's receive window; the
daemon drops (and counts) for a reader that is slow.
"""

from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator, Callable, Generic, Iterator, Optional, TypeVar

import grpc

from hftmon.address import ServerAddress
from hftmon.rich_error import from_rpc_error

T = TypeVar("T")


class Stream(Generic[T], Iterator[T]):
    """Ends (StopIteration) when the daemon closes it or after cancel(); else raises the HftmonError."""

    def __init__(self, call: Any, convert: Callable[[Any], T], address: ServerAddress) -> None:
        self._call = call
        self._convert = convert
        self._address = address
        self._cancelled = False

    def __iter__(self) -> Stream[T]:
        return self

    def __next__(self) -> T:
        try:
            message = next(self._call)
        except grpc.RpcError as error:
            if self._cancelled and error.code() == grpc.StatusCode.CANCELLED:
                raise StopIteration from None
            raise from_rpc_error(error, self._address) from None
        return self._convert(message)

    def cancel(self) -> None:
        """An iteration that waits, and every later one, ends soon."""
        self._cancelled = True
        self._call.cancel()

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.cancel()


class AsyncStream(Generic[T], AsyncIterator[T]):
    """The same for `async for` and `async with`."""

    def __init__(self, call: Any, convert: Callable[[Any], T], address: ServerAddress) -> None:
        self._call = call
        self._convert = convert
        self._address = address
        self._cancelled = False

    def __aiter__(self) -> AsyncStream[T]:
        return self

    async def __anext__(self) -> T:
        message = await self.read()
        if message is None:
            raise StopAsyncIteration
        return message

    async def read(self) -> Optional[T]:
        """The next message; None at the end."""
        try:
            message = await self._call.read()
        except grpc.RpcError as error:
            if self._cancelled and error.code() == grpc.StatusCode.CANCELLED:
                return None
            raise from_rpc_error(error, self._address) from None
        except asyncio.CancelledError:
            if self._cancelled:  # gRPC's word for its own cancel(), too
                return None
            raise
        return None if message is grpc.aio.EOF else self._convert(message)

    def cancel(self) -> None:
        self._cancelled = True
        self._call.cancel()

    async def __aenter__(self) -> AsyncStream[T]:
        return self

    async def __aexit__(self, *exception: Any) -> None:
        self.cancel()
