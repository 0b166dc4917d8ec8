"""The programs of client/python/README.md, as they stand there, against a live process that sleeps, is preempted and has memory."""

import os
import pathlib
import re
import subprocess
import sys

import pytest
from conftest import BUILD, SOURCE

README = SOURCE / "client" / "python" / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
# Of each program a word that it imports, and what its output has when it did its work.
EXPECTED = [
    ("HFTResourceMonitor() as monitor", [r"^\d+ voluntary, \d+ involuntary switches", r"^sleeper: waited",
                                         r"^sleeper pages by node: \{\d+: \d+",
                                         r"heat map: \d+ rows", r"^(no L3 hit rate: \S|L3 hit rate)",
                                         r"^\d+ priority \d+: ran \d+ us, jitter: \S"]),
    ("private=True", [r"^the loop runs on CPU \d+ as SCHED_FIFO priority 20$", r"^sleeper blocked_syscall [\d.]+ \('"]),
    ("hftmon.Client()", [r"^sleeper blocked \d+ \['", r"^\{\d+: \d+", r"^NOT_A_TARGET "]),
    ("hftmon.aio", [r"^1 1$", r"^[1-9]\d*$"]),
]


def test_every_program_of_the_readme_has_its_expectations():
    assert len(PROGRAMS) == len(EXPECTED)
    for program, (word, _) in zip(PROGRAMS, EXPECTED):
        assert word in program


@pytest.mark.parametrize("number", range(len(EXPECTED)))
def test_a_program_of_the_readme_does_what_it_says(number, daemon, workload, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAMS[number], encoding="utf-8")
    sleeper = workload("sleeper", "--count", 20_000, "--duration-us", 2_000)
    sleeper.say()  # it sleeps from now on, 40 s
    environment = {**os.environ, "HFTMON_SERVER": daemon.address, "HFTMOND": str(BUILD / "bin" / "hftmond")}
    run = subprocess.run([sys.executable, "-B", str(tmp_path / "program.py"), str(sleeper.pid)], env=environment, capture_output=True,
                         text=True,
                         timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    for pattern in EXPECTED[number][1]:
        assert re.search(pattern, run.stdout, re.MULTILINE), f"{pattern} in\n{run.stdout}{run.stderr}"


def test_the_readme_names_files_that_are_there():
    for link in re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / link).exists(), link
    assert pathlib.Path(README.parent / "pyproject.toml").exists()
