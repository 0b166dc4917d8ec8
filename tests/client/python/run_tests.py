"""Runs one file of pytest cases and reports them: usage: run_tests.py NAME FILE [PYTEST-ARGUMENTS…], NAME as CTest calls it.

Reads: GTEST_OUTPUT (xml:FOLDER/, set by tests/run). Produces: FOLDER/NAME.xml, as a GoogleTest binary would, and
FOLDER/../pytest_results.json, to which each run adds (json_report.py). Exit code 77 with "SKIPPED: reason" where a package is missing.
"""

import importlib
import os
import pathlib
import sys

PACKAGES = {"pytest": "python3-pytest", "grpc": "python3-grpcio", "google.protobuf": "python3-protobuf"}


def main(name, file, *arguments):
    for module, package in PACKAGES.items():
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"SKIPPED: {module} is not installed for {sys.executable}: apt-get install {package}")
            return 77
    import pytest
    from json_report import JsonReport

    output = os.environ.get("GTEST_OUTPUT", "")
    folder = pathlib.Path(output[4:]) if output.startswith("xml:") and output.endswith("/") else None
    # No cache and no plugins of the machine's: the same run everywhere.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    # A case that takes this long says where it is; CTest ends it later.
    options = ["-v", "-rs", "-o", "faulthandler_timeout=100", "-p", "no:cacheprovider", "--rootdir", str(pathlib.Path(file).parent)]
    return pytest.main([*options, file, *arguments], plugins=[JsonReport(name, folder)])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    sys.exit(main(*sys.argv[1:]))
