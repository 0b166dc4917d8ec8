"""json_report.py loses no outcome: what pytest_results.json and the XML of a run say."""

import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

RUN = pathlib.Path(__file__).with_name("run_tests.py")
CASES = """
import pytest
def test_good(): pass
def test_bad(): assert 1 == 2
def test_left_out(): pytest.skip("no hardware here")
@pytest.fixture
def broken():
    yield
    raise RuntimeError("tear-down failed")
def test_ends_badly(broken): pass
"""


def run(folder, name, text):
    (folder / f"test_{name}.py").write_text(text, encoding="utf-8")
    environment = {**os.environ, "GTEST_OUTPUT": f"xml:{folder}/results/unit/"}
    return subprocess.run([sys.executable, "-B", str(RUN), name, str(folder / f"test_{name}.py")], env=environment, capture_output=True,
                          text=True,
                          check=False)


def test_each_outcome_is_told_with_its_reason(tmp_path):
    assert run(tmp_path, "mixed", CASES).returncode == 1
    report = json.loads((tmp_path / "results" / "pytest_results.json").read_text(encoding="utf-8"))
    assert report["summary"] == {"total": 4, "passed": 1, "failed": 2, "skipped": 1}
    assert report["exitcode"] == 1
    outcomes = {case["nodeid"].split("::")[1]: case for case in report["tests"]}
    assert outcomes["test_left_out"]["message"] == "no hardware here"
    assert "assert 1 == 2" in outcomes["test_bad"]["message"]
    assert "tear-down failed" in outcomes["test_ends_badly"]["message"]
    cases = ElementTree.parse(tmp_path / "results" / "unit" / "mixed.xml").getroot().findall(".//testcase")
    assert len(cases) == 4
    assert sum(case.find("failure") is not None for case in cases) == 2
    assert [case.find("skipped").get("message") for case in cases if case.find("skipped") is not None] == ["no hardware here"]


def test_runs_add_up_and_a_repeated_one_replaces_itself(tmp_path):
    for name, text in (("one", CASES), ("two", "def test_good(): pass\n"), ("one", "def test_good(): pass\n")):
        run(tmp_path, name, text)
    report = json.loads((tmp_path / "results" / "pytest_results.json").read_text(encoding="utf-8"))
    assert report["summary"] == {"total": 2, "passed": 2, "failed": 0, "skipped": 0}
    assert sorted(case["suite"] for case in report["tests"]) == ["one", "two"]
    assert report["exitcode"] == 1, "a failure that was repaired within one run of tests/run is remembered"


def test_a_file_that_cannot_be_read_is_a_failure(tmp_path):
    assert run(tmp_path, "broken", "import no_such_module_at_all\n").returncode not in (0, 77)
    report = json.loads((tmp_path / "results" / "pytest_results.json").read_text(encoding="utf-8"))
    assert report["summary"]["failed"] == 1
    assert "no_such_module_at_all" in report["tests"][0]["message"]
