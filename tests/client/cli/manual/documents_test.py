"""The manual pages and completion scripts that the build made: pages without a complaint of their readers, completion in a real shell."""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import unittest

import python_cases

BUILD = pathlib.Path(os.environ["HFTMON_BUILD_DIR"]).resolve()
PAGES = sorted((BUILD / "man").glob("*.[18]"))
COMPLETION = BUILD / "completion"
# Sets the words as readline would, calls the function, prints what it offers, one a line.
ASK_BASH = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hftmon; printf "%s\\n" "${COMPREPLY[@]}"'
PATIENCE_S = 60


def need(tool, package):
    path = shutil.which(tool)
    if path is None:
        raise unittest.SkipTest(f"{tool} is not installed: apt-get install {package}")
    return path


def run(command, **keywords):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S, **keywords)


class BashCompletion(unittest.TestCase):
    def offered(self, *words, cwd=None):
        """What is offered for the last of `words`, which is being typed."""
        answer = run(["bash", "--norc", "-c", ASK_BASH, "bash", COMPLETION / "hftmon.bash", "hftmon", *words], cwd=cwd)
        self.assertEqual(answer.stderr, "")
        return answer.stdout.split()

    def test_verbs(self):
        self.assertEqual(self.offered("sp"), ["spikes"])
        self.assertEqual(sorted(self.offered("t")), ["targets", "threads", "timeline", "top"])
        self.assertIn("help", self.offered(""))

    def test_every_verb_that_has_a_page_is_offered(self):
        verbs = {page.stem.removeprefix("hftmon-") for page in PAGES if page.stem.startswith("hftmon-")}
        self.assertEqual(set(self.offered("")), verbs | {"help"})

    def test_a_verb_behind_options_of_every_verb(self):
        self.assertEqual(self.offered("--server", "status", "quie"), ["quiet"])
        self.assertIn("--threshold", self.offered("--timeout", "5s", "attach", "--"))

    def test_options_of_the_verb_and_of_every_verb(self):
        offered = self.offered("spikes", "--f")
        self.assertEqual(sorted(offered), ["--fail-on-spike", "--follow"])
        self.assertIn("--server", self.offered("spikes", "--"))
        self.assertNotIn("--fail-on-spike", self.offered("switches", "--"))

    def test_words_that_an_option_takes(self):
        self.assertEqual(self.offered("attach", "--stacks", ""), ["none", "kernel", "user", "both"])
        self.assertEqual(self.offered("attach", "--stacks", "k"), ["kernel"])
        self.assertEqual(self.offered("attach", "--stacks", "="), ["none", "kernel", "user", "both"])
        self.assertEqual(self.offered("attach", "--stacks", "=", "u"), ["user"])
        self.assertEqual(self.offered("spikes", "--time", "t"), ["tai"])
        self.assertEqual(self.offered("quiet", ""), ["on", "off"])
        self.assertEqual(self.offered("mode", "e"), ["economy"])

    def test_a_list_goes_on_behind_its_comma(self):
        self.assertEqual(self.offered("attach", "--probes", "memory,ne"), ["memory,network"])

    def test_nothing_where_a_free_value_stands(self):
        self.assertEqual(self.offered("attach", "--threshold", ""), [])

    def test_processes(self):
        self.assertIn(str(os.getpid()), self.offered("attach", ""))
        self.assertIn(str(os.getpid()), self.offered("spikes", "-p", ""))
        self.assertIn(f"1,{os.getpid()}", self.offered("spikes", "--pid", f"1,{os.getpid()}"))
        self.assertIn(str(os.getpid()), self.offered("--pid-namespace", ""))

    def test_files_and_commands(self):
        self.assertEqual(self.offered("import", "perf_", cwd=pathlib.Path(__file__).parent), [])
        self.assertEqual(self.offered("import", "documents", cwd=pathlib.Path(__file__).parent), ["documents_test.py"])
        self.assertIn("bash", self.offered("run", "--quiet", "--", "bas"))
        self.assertEqual(self.offered("run", "--", "cat", "documents", cwd=pathlib.Path(__file__).parent), ["documents_test.py"])

    def test_help_takes_a_verb(self):
        self.assertEqual(self.offered("help", "timel"), ["timeline"])
        self.assertEqual(self.offered("help", "timeline", ""), [])

    def test_it_works_at_a_prompt(self):
        """Typed at a terminal: the keys go through readline, and a function in hftmon's place says what came out."""
        child, terminal = pty.fork()
        if child == 0:
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.close, terminal)  # first: it hangs up
        os.write(terminal, f'unset HISTFILE; PS1="> "; source "{COMPLETION}/hftmon.bash"; hftmon() {{ echo "came: $*"; }}\n'.encode())
        os.write(terminal, b"hftmon quie\tof\t\n")
        shown = b""
        while b"came: quiet off" not in shown:
            ready, _, _ = select.select([terminal], [], [], PATIENCE_S)
            self.assertTrue(ready, shown)
            shown += os.read(terminal, 4096)

    def test_bash_finds_no_fault_in_it(self):
        answer = run(["bash", "-n", COMPLETION / "hftmon.bash"])
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))


class OtherShells(unittest.TestCase):
    def test_zsh_finds_no_fault_in_its_script(self):
        answer = run([need("zsh", "zsh"), "-n", COMPLETION / "_hftmon"])
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))

    def test_fish_finds_no_fault_in_its_script(self):
        answer = run([need("fish", "fish"), "--no-execute", COMPLETION / "hftmon.fish"])
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))


class ManualPages(unittest.TestCase):
    def test_both_programs_have_one(self):
        names = {page.name for page in PAGES}
        self.assertLessEqual({"hftmon.1", "hftmon-spikes.1", "hftmond.8"}, names)

    def test_groff_has_no_warning(self):
        tool = need("groff", "groff-base")
        for page in PAGES:
            answer = run([tool, "-man", "-Tutf8", "-ww", "-z", page])
            self.assertEqual((answer.returncode, answer.stderr), (0, ""), page.name)

    def test_man_shows_them(self):
        tool = need("man", "man-db")
        for page in PAGES:
            answer = run([tool, "--warnings", "--local-file", page], env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "120", "MANPAGER": "cat"})
            self.assertEqual((answer.returncode, answer.stderr), (0, ""), page.name)
            plain = re.sub(r".\x08|\x1b\[[0-9;]*m", "", answer.stdout)
            self.assertIn("EXIT STATUS", plain, page.name)
            self.assertRegex(plain, rf"{page.stem} - \S", page.name)

    def test_mandoc_has_no_warning(self):
        tool = need("mandoc", "mandoc")
        for page in PAGES:
            said = run([tool, "-T", "lint", "-W", "warning", page]).stdout.splitlines()
            # A date would make two builds of one source differ.
            self.assertEqual([line for line in said if "missing date" not in line], [], page.name)


if __name__ == "__main__":
    python_cases.main("hftmon_cli_documents_test")
