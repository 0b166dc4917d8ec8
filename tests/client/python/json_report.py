"""JsonReport: a plugin of pytest that writes what became of each case.

Produces, where a folder is given: FOLDER/NAME.xml in GoogleTest's words, for tests/tier_report.py; FOLDER/../pytest_results.json:
{created, exitcode, summary: {total, passed, failed, skipped}, tests: [{suite, nodeid, outcome, duration_s, message}]}, to which runs of
several files add at the same time: a case that ran before is replaced.
"""

import fcntl
import json
import pathlib
import time
import xml.etree.ElementTree as ElementTree

RESULTS = "pytest_results.json"


class JsonReport:
    def __init__(self, name, folder):
        self._name = name
        self._folder = folder
        self._cases = {}  # nodeid → case

    def pytest_collectreport(self, report):
        if report.failed:
            self._cases[report.nodeid] = self._case(report.nodeid, "failed", 0.0, str(report.longrepr))

    def pytest_runtest_logreport(self, report):
        """Set-up, call and tear-down each report; the worst of them is the case's outcome."""
        case = self._cases.setdefault(report.nodeid, self._case(report.nodeid, "passed", 0.0, ""))
        case["duration_s"] = round(case["duration_s"] + report.duration, 6)
        if report.failed:
            case.update(outcome="failed", message=str(report.longrepr))
        elif report.skipped and case["outcome"] == "passed":
            # (file, line, "Skipped: reason")
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            case.update(outcome="skipped", message=text[len("Skipped: "):] if text.startswith("Skipped: ") else text)

    def pytest_sessionfinish(self, session, exitstatus):
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write_xml()
            self._add_to_json(int(exitstatus))

    def _case(self, nodeid, outcome, duration_s, message):
        return {"suite": self._name, "nodeid": nodeid, "outcome": outcome, "duration_s": duration_s, "message": message}

    def _write_xml(self):
        root = ElementTree.Element("testsuites")
        suite = ElementTree.SubElement(root, "testsuite", name=self._name)
        for case in self._cases.values():
            file, _, name = case["nodeid"].partition("::")
            entry = ElementTree.SubElement(suite, "testcase", status="run", name=name.replace("::", ".") or file,
                                           classname=pathlib.Path(file).stem)
            if case["outcome"] != "passed":
                kind = "failure" if case["outcome"] == "failed" else "skipped"
                ElementTree.SubElement(entry, kind, message=case["message"])
        ElementTree.ElementTree(root).write(self._folder / f"{self._name}.xml", encoding="utf-8", xml_declaration=True)

    def _add_to_json(self, exitcode):
        with open(self._folder.parent / RESULTS, "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            text = file.read()
            before = json.loads(text) if text else {"exitcode": 0, "tests": []}
            tests = [case for case in before["tests"] if case["suite"] != self._name] + list(self._cases.values())
            counts = {outcome: sum(case["outcome"] == outcome for case in tests) for outcome in ("passed", "failed", "skipped")}
            report = {"created": time.time(), "exitcode": 1 if exitcode or counts["failed"] else before["exitcode"],
                      "summary": {"total": len(tests), **counts}, "tests": tests}
            file.seek(0)
            file.truncate()
            json.dump(report, file, indent=1)
