"""Schema: the messages, enums and calls of one service, out of protoc's descriptors, in the words of Python.

Pure: descriptors in, plain data out. What the generators of messages.py and _calls.py write is made of nothing else.
"""

import keyword
import re
from dataclasses import dataclass, field
from typing import List

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

INTEGERS = {FieldDescriptorProto.TYPE_INT32, FieldDescriptorProto.TYPE_INT64, FieldDescriptorProto.TYPE_UINT32,
            FieldDescriptorProto.TYPE_UINT64}
FLOATS = {FieldDescriptorProto.TYPE_DOUBLE, FieldDescriptorProto.TYPE_FLOAT}
FIELD_MASK = ".google.protobuf.FieldMask"
# What the base class of all records has for itself.
RESERVED = {"columns", "to_pandas", "from_proto", "to_proto", "PROTO", "FIELDS"}
# Numbers of fields within descriptor.proto, of which the paths of comments are made.
FILE_MESSAGE, FILE_ENUM, FILE_SERVICE, MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM, SERVICE_METHOD = 4, 5, 6, 2, 3, 4, 2


@dataclass
class SchemaField:
    name: str  # in Python
    proto_name: str
    kind: str  # int, float, bool, str, bytes, enum, record, map, mask
    type_name: str = ""  # of a record or enum: its name in Python; of a map: the kind of its values
    repeated: bool = False
    optional: bool = False  # it can be absent
    comment: str = ""


@dataclass
class SchemaMessage:
    name: str
    module: str  # "cache_pb2"
    proto_path: str  # within the module: "KernelLockWait.Holder"
    comment: str = ""
    fields: List[SchemaField] = field(default_factory=list)


@dataclass
class SchemaEnum:
    name: str
    values: list  # (name, number)
    comment: str = ""


@dataclass
class SchemaCall:
    name: str  # "QueryCache"
    request: SchemaMessage
    response: SchemaMessage
    streams: bool
    comment: str = ""


def python_name(name):
    return name + "_" if keyword.iskeyword(name) or name in RESERVED else name


def snake_case(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def comments_of(file):
    """path → the text before it, else the text behind it on its line."""
    found = {}
    for location in file.source_code_info.location:
        text = (location.leading_comments or location.trailing_comments).strip()
        if text:
            found[tuple(location.path)] = "\n".join(line.strip() for line in text.split("\n"))
    return found


class Schema:
    """`messages` and `enums` are those that the service's calls reach, in the order of the files; `calls` all of the service."""

    def __init__(self, files, package, service):
        self._messages, self._enums, self._maps, services = {}, {}, {}, []
        for file in files:
            if file.package != package:
                continue
            comments = comments_of(file)
            module = file.name.rsplit("/", 1)[-1][: -len(".proto")] + "_pb2"
            for index, message in enumerate(file.message_type):
                self._add_message(message, f".{package}", [], module, comments, (FILE_MESSAGE, index))
            for index, enum in enumerate(file.enum_type):
                self._add_enum(enum, f".{package}", [], comments.get((FILE_ENUM, index), ""))
            services += [(one, comments, (FILE_SERVICE, index)) for index, one in enumerate(file.service) if one.name == service]
        if len(services) != 1:
            raise ValueError(f"{len(services)} services named {service} in package {package}: one is wanted")
        self.calls = self._calls(*services[0])
        reached = self._reach()
        self.messages = [message for full, (message, _) in self._messages.items() if full in reached]
        self.enums = [enum for full, enum in self._enums.items() if full in reached]

    def _add_message(self, message, scope, outer, module, comments, path):
        full = f"{scope}.{message.name}"
        names = [*outer, message.name]
        if message.options.map_entry:
            self._maps[full] = message
            return
        self._messages[full] = (SchemaMessage("".join(names), module, ".".join(names), comments.get(path, "")), (message, comments, path))
        for index, nested in enumerate(message.nested_type):
            self._add_message(nested, full, names, module, comments, (*path, MESSAGE_NESTED, index))
        for index, enum in enumerate(message.enum_type):
            self._add_enum(enum, full, names, comments.get((*path, MESSAGE_ENUM, index), ""))

    def _add_enum(self, enum, scope, outer, comment):
        prefix = snake_case(enum.name).upper() + "_"
        values = [(value.name[len(prefix):] if value.name.startswith(prefix) else value.name, value.number) for value in enum.value]
        self._enums[f"{scope}.{enum.name}"] = SchemaEnum("".join([*outer, enum.name]), values, comment)

    def _calls(self, service, comments, path):
        calls = []
        for index, method in enumerate(service.method):
            if method.client_streaming:
                raise ValueError(f"{method.name} streams requests: the Python client has no such call yet")
            calls.append(SchemaCall(method.name, self._messages[method.input_type][0], self._messages[method.output_type][0],
                                    method.server_streaming, comments.get((*path, SERVICE_METHOD, index), "")))
        self._roots = [name for method in service.method for name in (method.input_type, method.output_type)]
        return calls

    def _reach(self):
        """Full names of all that the calls reach; fills in the fields of those messages."""
        reached, open_ends = set(), list(self._roots)
        while open_ends:
            full = open_ends.pop()
            if full in reached or full not in self._messages and full not in self._enums:
                continue
            reached.add(full)
            if full not in self._messages:
                continue
            message, (descriptor, comments, path) = self._messages[full]
            message.fields = [self._field(one, comments.get((*path, MESSAGE_FIELD, index), "")) for index,
                              one in enumerate(descriptor.field)]
            open_ends += [one.type_name for one in descriptor.field if one.type_name]
        return reached

    def _field(self, one, comment):
        entry = self._maps.get(one.type_name)
        made = SchemaField(python_name(one.name), one.name, "", repeated=one.label == one.LABEL_REPEATED and entry is None,
                           optional=one.HasField("oneof_index"), comment=comment)
        if entry is not None:
            value = entry.field[1]
            if value.type_name:
                raise ValueError(f"{one.name} is a map of messages or enums: the Python client knows maps of numbers and texts")
            made.kind, made.type_name = "map", self._scalar(value)
        elif one.type_name == FIELD_MASK:
            made.kind = "mask"
        elif one.type_name in self._messages:
            made.kind, made.type_name, made.optional = "record", self._messages[one.type_name][0].name, not made.repeated
        elif one.type_name in self._enums:
            made.kind, made.type_name = "enum", self._enums[one.type_name].name
        else:
            made.kind = self._scalar(one)
        return made

    @staticmethod
    def _scalar(one):
        if one.type in INTEGERS:
            return "int"
        if one.type in FLOATS:
            return "float"
        kinds = {FieldDescriptorProto.TYPE_BOOL: "bool", FieldDescriptorProto.TYPE_STRING: "str", FieldDescriptorProto.TYPE_BYTES: "bytes"}
        if one.type not in kinds:
            raise ValueError(f"{one.name} has the type {one.type}, which the Python client does not know yet")
        return kinds[one.type]
