"""messages_source: the text of hftmon/messages.py, a dataclass for each message and an IntEnum for each enum of a Schema."""

HEADER = '''"""The messages of hftmon.v1 as frozen dataclasses. Made from the .proto files by client/python/generate: not to be edited.

Times and durations are nanoseconds, event times CLOCK_MONOTONIC. What is absent (this host cannot measure it, it was not asked for) is
None, never 0. Lists are tuples.
"""

from __future__ import annotations

from dataclasses import dataclass, field as _field
from enum import IntEnum
from typing import Any, ClassVar, Dict, Optional, Tuple, Union

'''
# Record has the rest, once: made anew for each of 200 classes it doubled the time of this module's import.
RECORD = "_record = dataclass(init=False, repr=False, eq=False)\n"
DEFAULTS = {"int": "0", "float": "0.0", "bool": "False", "str": '""', "bytes": 'b""'}


def quoted(text, indent):
    """A docstring of `text`."""
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    if text.endswith('"'):
        text += " "
    lines = text.split("\n")
    if len(lines) == 1:
        return f'{indent}"""{text}"""\n'
    return f'{indent}"""' + f"\n{indent}".join(line for line in lines) + f'\n{indent}"""\n'


def annotation(field):
    """The type of an attribute, as of an answer."""
    element = {"record": field.type_name, "enum": f"Union[{field.type_name}, int]", "mask": "Tuple[str, ...]",
               "map": f"Dict[str, {field.type_name}]"}.get(field.kind, field.kind)
    if field.repeated:
        return f"Tuple[{element}, ...]"
    return f"Optional[{element}]" if field.optional else element


def default(field):
    if field.repeated or field.kind == "mask":
        return "()"
    if field.kind == "map":
        return "_field(default_factory=dict)"
    if field.optional:
        return "None"
    return f"{field.type_name}(0)" if field.kind == "enum" else DEFAULTS[field.kind]


def reading(field):
    """How from_proto reads it of the message m."""
    plain = f"m.{field.proto_name}" if field.name == field.proto_name else f'getattr(m, "{field.proto_name}")'
    if field.kind == "mask":
        return f"tuple({plain}.paths)"
    if field.kind == "map":
        return f"dict({plain})"
    if field.kind == "record":
        convert = f"{field.type_name}.from_proto"
        if field.repeated:
            return f"tuple(map({convert}, {plain})) if {plain} else ()"
        return f'{convert}({plain}) if m.HasField("{field.proto_name}") else None'
    if field.kind == "enum":
        plain = f"tuple(enum_value({field.type_name}, v) for v in {plain})" if field.repeated else f"enum_value({field.type_name}, {plain})"
    elif field.repeated:
        return f"tuple({plain})"
    return f'{plain} if m.HasField("{field.proto_name}") else None' if field.optional else plain


def message_source(message):
    lines = ["\n\n@_record\n", f"class {message.name}(Record):\n", quoted(message.comment or f"hftmon.v1.{message.proto_path}.", "    "),
             "\n"]
    for field in message.fields:
        lines += [f"    #: {line}\n" for line in field.comment.split("\n") if line]
        lines.append(f"    {field.name}: {annotation(field)} = {default(field)}\n")
    lines.append(f"    PROTO: ClassVar[Any] = {message.module}.{message.proto_path}\n")
    lines.append("    FIELDS: ClassVar[Tuple[Field, ...]] = (\n")
    lines += [f'        Field("{f.name}", "{f.proto_name}", "{f.kind}", "{f.type_name}", {f.repeated}, {f.optional}),\n'
              for f in message.fields]
    lines.append("    )\n\n")
    if message.fields:
        parameters = ",".join(f"\n            {f.name}: {parameter(f)}" for f in message.fields)
        values = ",".join(f'\n            "{f.name}": {initial(f)}' for f in message.fields)
        lines.append(f"    def __init__(\n            self,{parameters}) -> None:\n        self.__dict__.update({{{values}}})\n\n")
    lines.append(f"    @classmethod\n    def from_proto(cls, m: Any) -> {message.name}:\n        return cls(")
    lines.append(",".join(f"\n            {reading(field)}" for field in message.fields) + ")\n")
    return "".join(lines)


def parameter(field):
    return f"Optional[{annotation(field)}] = None" if field.kind == "map" else f"{annotation(field)} = {default(field)}"


def initial(field):
    return f"{{}} if {field.name} is None else {field.name}" if field.kind == "map" else field.name


def messages_source(schema):
    modules = sorted({message.module for message in schema.messages})
    parts = [HEADER, "from hftmon.record import Field, Record, enum_value\n", f"from hftmon.v1 import {', '.join(modules)}\n\n", RECORD]
    for enum in schema.enums:
        values = "".join(f"    {name} = {number}\n" for name, number in enum.values)
        parts.append(f"\n\nclass {enum.name}(IntEnum):\n" + quoted(enum.comment or f"hftmon.v1.{enum.name}.", "    ") + "\n" + values)
    parts += [message_source(message) for message in schema.messages]
    names = sorted([enum.name for enum in schema.enums] + [message.name for message in schema.messages])
    parts.append("\n\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n")
    return "".join(parts)
