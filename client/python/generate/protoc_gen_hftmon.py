#!/usr/bin/python3
"""A plugin of protoc: writes hftmon/messages.py and hftmon/_calls.py, the typed side of the Python client.

Reads: a CodeGeneratorRequest on standard input, as protoc gives it (--plugin=protoc-gen-hftmon=THIS --hftmon_out=FOLDER FILES).
Produces: a CodeGeneratorResponse on standard output. What the service Monitor does not reach is left out.
The .proto files are the only list of fields there is: names, types, defaults and comments of the Python side come from them.
"""

import pathlib
import sys

from google.protobuf.compiler import plugin_pb2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from calls import calls_source  # noqa: E402
from messages import messages_source  # noqa: E402
from schema import Schema  # noqa: E402

PROTO3_OPTIONAL = plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL


def main():
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    schema = Schema(request.proto_file, "hftmon.v1", "Monitor")
    response = plugin_pb2.CodeGeneratorResponse(supported_features=PROTO3_OPTIONAL)
    for name, source in (("hftmon/messages.py", messages_source(schema)), ("hftmon/_calls.py", calls_source(schema))):
        response.file.add(name=name, content=source)
    sys.stdout.buffer.write(response.SerializeToString())


if __name__ == "__main__":
    main()
