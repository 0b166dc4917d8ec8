"""tests/tier_report.py loses no failure and no reason: what CTest and GoogleTest write in each case, and what is made of it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import python_cases

REPORT = pathlib.Path(__file__).parents[1] / "tier_report.py"


def entry(name, status="run", inner="", output=""):
    return f'<testcase name="{name}" classname="{name}" time="1" status="{status}">{inner}<system-out>{output}</system-out></testcase>'


def gtest(*cases):
    return f'<testsuites><testsuite name="S">{"".join(cases)}</testsuite></testsuites>'


def case(name, inner="", status="run"):
    return f'<testcase name="{name}" classname="S" status="{status}">{inner}</testcase>'


class TierReport(unittest.TestCase):
    def report(self, entries, gtest_files=(), log="", options=()):
        """(exit code, text) of both steps over a tier named unit."""
        with tempfile.TemporaryDirectory() as folder:
            results = pathlib.Path(folder)
            (results / "unit").mkdir()
            if entries is not None:
                (results / "unit.xml").write_text(f'<testsuite name="(empty)">{"".join(entries)}</testsuite>', encoding="utf-8")
            (results / "unit.log").write_text(log, encoding="utf-8")
            for name, text in gtest_files:
                (results / "unit" / name).write_text(text, encoding="utf-8")
            tier = subprocess.run([sys.executable, "-B", REPORT, "--tier", "unit", results], capture_output=True, text=True, check=True)
            summary = subprocess.run([sys.executable, "-B", REPORT, "--summary", *options, results, "unit"], capture_output=True, text=True, check=False)
            return summary.returncode, tier.stdout, summary.stdout.splitlines()[-1]

    def test_cases_of_a_binary_count_one_by_one(self):
        cases = gtest(case("A"), case("B"), case("C", '<skipped message="x_test.cc:9&#10;no &lt;hw&gt; here"/>'))
        code, text, last = self.report([entry("x_test")], [("x_test.xml", cases)])
        self.assertEqual((code, last), (0, "2 passed, 0 failed, 1 skipped"))
        self.assertIn("skipped 1: no <hw> here\n    x_test: S.C", text)

    def test_a_failed_case_fails_the_run_and_prints_its_message(self):
        cases = gtest(case("A"), case("B", '<failure message="x_test.cc:3&#10;expected 1"/>'))
        code, text, last = self.report([entry("x_test", "fail")], [("x_test.xml", cases)])
        self.assertEqual((code, last), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("expected 1", text)

    def test_a_crash_after_the_last_case_is_a_failure(self):
        code, _, last = self.report([entry("x_test", "fail")], [("x_test.xml", gtest(case("A")))])
        self.assertEqual((code, last), (1, "1 passed, 1 failed, 0 skipped"))

    def test_a_crash_before_any_report_names_what_ctest_saw(self):
        log = "1/1 Test #1: x_test ...........***Exception: SegFault  0.00 sec\n"
        code, text, last = self.report([entry("x_test", "fail")], log=log)
        self.assertEqual((code, last), (1, "0 passed, 1 failed, 0 skipped"))
        self.assertIn("Exception: SegFault", text)

    def test_a_half_written_report_is_a_failure(self):
        code, _, last = self.report([entry("x_test", "fail")], [("x_test.xml", "<testsuites><test")])
        self.assertEqual((code, last), (1, "0 passed, 1 failed, 0 skipped"))

    def test_a_binary_with_a_like_name_is_not_mistaken(self):
        files = [("x_test.xml", gtest(case("A"))), ("x_test_1.xml", gtest(case("A"))), ("x_test_more.xml", gtest(case("A"), case("B")))]
        _, _, last = self.report([entry("x_test"), entry("x_test_more")], files)
        self.assertEqual(last, "4 passed, 0 failed, 0 skipped")

    def test_a_script_that_skips_says_why(self):
        code, text, last = self.report([entry("s", "notrun", '<skipped message="SKIP_RETURN_CODE=77"/>', "SKIPPED: no tool")])
        self.assertEqual((code, last), (0, "0 passed, 0 failed, 1 skipped"))
        self.assertIn("skipped 1: no tool", text)

    def test_a_test_whose_program_is_missing_is_no_skip(self):
        code, _, last = self.report([entry("s", "notrun", '<skipped message="Unable to find executable"/>', "Unable to find executable: /x")])
        self.assertEqual((code, last), (1, "0 passed, 1 failed, 0 skipped"))

    def test_a_disabled_case_is_shown(self):
        _, text, last = self.report([entry("x_test")], [("x_test.xml", gtest(case("DISABLED_A", status="notrun")))])
        self.assertEqual(last, "0 passed, 0 failed, 1 skipped")
        self.assertIn("disabled in the source", text)

    def test_a_tier_without_tests_fails_unless_a_filter_was_given(self):
        self.assertEqual(self.report([])[0], 1)
        self.assertEqual(self.report([], options=["--may-be-empty"])[0], 0)

    def test_a_ctest_that_wrote_nothing_is_a_failure(self):
        code, text, _ = self.report(None, log="CMake Error: no such directory")
        self.assertEqual(code, 1)
        self.assertIn("no such directory", text)


if __name__ == "__main__":
    python_cases.main("style_report")
