"""calls_source: the text of hftmon/_calls.py, a method for each call of a Schema, once for plain programs and once for asyncio."""

from messages import default, quoted
from schema import snake_case

HEADER = '''"""A method for each call of hftmon.v1.Monitor, its request's fields as keywords. Made from the .proto files by
client/python/generate: not to be edited. hftmon.Client and hftmon.aio.Client are the classes to use.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional, Union

from hftmon import messages
from hftmon.stream import AsyncStream, Stream

'''


def parameter(field):
    """The type of a keyword: lists are taken from whatever can be iterated over."""
    element = {"record": f"messages.{field.type_name}", "enum": f"Union[messages.{field.type_name}, int]", "mask": "Iterable[str]",
               "map": f"Dict[str, {field.type_name}]"}.get(field.kind, field.kind)
    if field.repeated:
        return f"Iterable[{element}]"
    return f"Optional[{element}]" if field.optional or field.kind == "map" else element


def initial(field):
    if field.kind == "map":
        return "None"
    return f"messages.{default(field)}" if field.kind == "enum" and not field.repeated and not field.optional else default(field)


def argument(field):
    if field.repeated or field.kind == "mask":
        return f"{field.name}=tuple({field.name})"
    return f"{field.name}={field.name} or {{}}" if field.kind == "map" else f"{field.name}={field.name}"


def method_source(call, is_async):
    fields = call.request.fields
    deadline = [] if call.streams else ["deadline_s: Optional[float] = None"]
    keywords = [f"{f.name}: {parameter(f)} = {initial(f)}" for f in fields] + deadline
    stream = "AsyncStream" if is_async else "Stream"
    answer = f"{stream}[messages.{call.response.name}]" if call.streams else f"messages.{call.response.name}"
    signature = ", ".join(["self"] + (["*"] + keywords if keywords else []))
    word = "async def" if is_async and not call.streams else "def"
    made = f"messages.{call.request.name}({', '.join(argument(f) for f in fields)})"
    body = f'self._open_stream("{call.name}", {made}, messages.{call.response.name})'
    if not call.streams:
        body = f'{"await " if is_async else ""}self._unary("{call.name}", {made}, messages.{call.response.name}, deadline_s)'
    return (f"\n    {word} {snake_case(call.name)}({signature}) -> {answer}:\n" + quoted(call.comment or call.name, "        ")
            + f"        return {body}\n")


def class_source(name, schema, is_async):
    word = "async def" if is_async else "def"
    stream = "AsyncStream" if is_async else "Stream"
    text = f'''

class {name}:
    """The calls, over what a subclass does to make one."""

    {word} _unary(self, method: str, request: Any, response: Any, deadline_s: Optional[float]) -> Any:
        raise NotImplementedError

    def _open_stream(self, method: str, request: Any, response: Any) -> {stream}[Any]:
        raise NotImplementedError
'''
    return text + "".join(method_source(call, is_async) for call in schema.calls)


def calls_source(schema):
    return HEADER + class_source("Calls", schema, False) + class_source("AsyncCalls", schema, True)
