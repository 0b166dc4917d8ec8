"""The workflow files are sound: YAML that a runner can read, steps whose shell and jq scripts have no fault, files that are there."""

import pathlib
import re
import shutil
import subprocess
import unittest

import python_cases

try:
    import yaml
except ImportError:
    yaml = None

ROOT = pathlib.Path(__file__).parents[2]
OF_USERS = ROOT / "packaging/ci/github-workflow.yml"
OF_THIS_PROJECT = ROOT / ".github/workflows/ci.yml"
FILES = (OF_USERS, OF_THIS_PROJECT)


def load(path):
    if yaml is None:
        raise unittest.SkipTest("PyYAML is not installed: apt-get install python3-yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(path):
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


class Workflow(unittest.TestCase):
    # What can be said without a parser.
    def test_lines_are_indented_by_pairs_of_spaces_and_hold_no_tab(self):
        for path in FILES:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                self.assertNotIn("\t", line, f"{path.name}:{number}")
                self.assertEqual((len(line) - len(line.lstrip(" "))) % 2, 0, f"{path.name}:{number}")

    def test_each_has_a_trigger_and_jobs_with_a_runner_and_steps(self):
        for path in FILES:
            document = load(path)
            # `on` is a truth value to YAML 1.1.
            self.assertTrue(document.get("on", document.get(True)), path.name)
            for name, job in document["jobs"].items():
                self.assertTrue(job["runs-on"], name)
                self.assertGreater(job["timeout-minutes"], 0, name)
            for step in steps(path):
                self.assertEqual(("uses" in step) + ("run" in step), 1, step)

    def test_the_shell_finds_no_fault_in_any_step(self):
        for path in FILES:
            for step in steps(path):
                check = subprocess.run(["bash", "-n"], input=step.get("run", ""), capture_output=True, text=True, check=False)
                self.assertEqual((check.returncode, check.stderr), (0, ""), step.get("name"))

    def jq_says(self, expression, options, text):
        """Whether the gate lets `text` pass."""
        if shutil.which("jq") is None:
            self.skipTest("jq is not installed: apt-get install jq")
        run = subprocess.run(["jq", *options, expression], input=text, capture_output=True, text=True, check=False)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        return run.returncode == 0

    def gates(self):
        """(options, expression) of each jq that may fail a step."""
        scripts = "\n".join(step.get("run", "") for step in steps(OF_USERS))
        return re.findall(r"jq (-es?) '([^']+)'", scripts)

    def test_the_gates_of_the_example_fail_and_pass_as_they_say(self):
        (spike_options, spikes), (advice_options, advice) = self.gates()
        self.assertTrue(self.jq_says(spikes, [spike_options], ""))
        self.assertTrue(self.jq_says(spikes, [spike_options], '{"duration_ns": 60000}\n{"duration_ns": 499999}\n'))
        self.assertFalse(self.jq_says(spikes, [spike_options], '{"duration_ns": 60000}\n{"duration_ns": 500000}\n'))
        self.assertTrue(self.jq_says(advice, [advice_options], '{"recommendations": [{"confidence": 0.5, "title": "a"}]}'))
        self.assertFalse(self.jq_says(advice, [advice_options], '{"recommendations": [{"confidence": 0.9, "title": "a"}]}'))

    def test_this_project_runs_what_continuous_integration_runs_anywhere(self):
        self.assertIn("sudo .ci/run", [step.get("run") for step in steps(OF_THIS_PROJECT)])
        self.assertTrue((ROOT / ".ci/run").stat().st_mode & 0o111)


if __name__ == "__main__":
    python_cases.main("style_workflow")
