"""Runs a file's unittest cases and reports each one the way a GoogleTest binary does, so that tests/run counts cases and not files.

Reads: GTEST_OUTPUT (xml:FOLDER/, set by tests/run). Produces: FOLDER/NAME.xml, with NAME as CTest calls the test.
"""

import os
import pathlib
import sys
import unittest
import xml.etree.ElementTree as ElementTree


class _Result(unittest.TextTestResult):
    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.cases = {}  # id → (test, "failure" or "skipped" or None, message)

    def _note(self, test, kind, message):
        if self.cases.get(test.id(), (None, None))[1] != "failure":
            self.cases[test.id()] = (test, kind, message)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test, None, "")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failure", self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "failure", self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failure", str(err[1]))


def _write(cases, path):
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name=path.stem)
    for test, kind, message in cases.values():
        case = ElementTree.SubElement(suite, "testcase", status="run", name=getattr(test, "_testMethodName", str(test)),
                                      classname=type(test).__name__)
        if kind is not None:
            ElementTree.SubElement(case, kind, message=message)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def main(name):
    """Runs the cases of the calling script; `name` is its CTest name."""
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=_Result)
    result = runner.run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    output = os.environ.get("GTEST_OUTPUT", "")
    if output.startswith("xml:") and output.endswith("/"):
        _write(result.cases, pathlib.Path(output[4:]) / f"{name}.xml")
    sys.exit(0 if result.wasSuccessful() else 1)
