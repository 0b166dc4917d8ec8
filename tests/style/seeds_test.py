"""Each style rule is shown to bite: a small clean tree passes, and one seeded violation of each rule is found, and nothing else is.

A rule without a seed here fails the test, so a new rule cannot be one that never fires.
"""

import json
import pathlib
import shutil
import tempfile
import unittest

import check
import exceptions
import layers
import python_cases
import rules
import tidy
from source_tree import SourceTree

HEADER = """// Ring: what comes out in the order it went in. One thread.
#ifndef HFTMON_DAEMON_RING_RING_H_
#define HFTMON_DAEMON_RING_RING_H_

#include <cstdint>

#include "common/clock.h"
#include "daemon/bpf/events.h"

#endif  // HFTMON_DAEMON_RING_RING_H_
"""
CLEAN = {
    "LICENSE": "Apache License\n",
    "daemon/bpf/LICENSE": "GPL-2.0\n",
    "README.md": "See [the ring](daemon/ring/ring.h).\n",
    "common/CMakeLists.txt": "hftmon_library(hftmon_common SOURCES clock.cc)\n",
    "common/clock.h": "// Clock.\n#ifndef HFTMON_COMMON_CLOCK_H_\n#define HFTMON_COMMON_CLOCK_H_\n#endif  // HFTMON_COMMON_CLOCK_H_\n",
    "daemon/bpf/events.h":
        "/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */\n/* Events. */\n#ifndef HFTMON_DAEMON_BPF_EVENTS_H_\n"
        "#define HFTMON_DAEMON_BPF_EVENTS_H_\n#endif /* HFTMON_DAEMON_BPF_EVENTS_H_ */\n",
    "daemon/bpf/switch.bpf.c": '// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0)\n#include "daemon/bpf/events.h"\n',
    "daemon/ring/CMakeLists.txt": "hftmon_library(hftmon_ring SOURCES ring.cc DEPS hftmon_common)\n",
    "daemon/ring/ring.h": HEADER,
    "daemon/ring/ring.cc":
        '#include "daemon/ring/ring.h"\n\nstd::atomic<int> turn_{0};\nint Turn() {\n  return turn_.load(std::memory_order_acquire);\n}\n',
    "daemon/service/CMakeLists.txt": "hftmon_library(hftmon_service SOURCES s.cc DEPS hftmon_ring hftmon_proto)\n",
    "daemon/service/s.cc": '#include <grpcpp/grpcpp.h>\n#include "hftmon/v1/monitor.pb.h"\n#include "daemon/ring/ring.h"\n',
    "client/cpp/CMakeLists.txt": "hftmon_library(hftmon_client SOURCES c.cc DEPS hftmon_proto)\n",
    "client/cpp/c.cc": "#include <grpcpp/grpcpp.h>\n",
    "tests/daemon/ring/ring_test.cc": '#include "daemon/ring/ring.h"\nTEST(Ring, KeepsOrder) {\n  Push();\n}\n',
}
FAR_TOO_LONG = "int Long() {\n" + "  Step();\n" * rules.FUNCTION_LINES + "}\n"

# rule → (path, text that is added to the file, or the whole of a new one)
SEEDS = {
    "file_length": ("daemon/ring/ring.cc", "// line\n" * (rules.FILE_LINES + 1)),
    "function_length": ("daemon/ring/ring.cc", FAR_TOO_LONG),
    "no_undone_work": ("daemon/ring/ring.cc", "// TO" + "DO later\n"),
    "glob": ("daemon/ring/CMakeLists.txt", "file(GLOB SOURCES *.cc)\n"),
    "include_guard": ("daemon/ring/other.h", "// Other.\n#ifndef OTHER_H\n#define OTHER_H\n#endif\n"),
    "header_comment":
        ("daemon/ring/other.h", "#ifndef HFTMON_DAEMON_RING_OTHER_H_\n#define HFTMON_DAEMON_RING_OTHER_H_\n#endif  // HFTMON_DAEMON_RING_OTHER_H_\n"),
    "memory_order": ("daemon/ring/ring.cc", "int Bare() { return turn_.load(); }\n"),
    "sleep": ("tests/daemon/ring/ring_test.cc", "void Wait() { std::this_thread::sleep_for(1ms); }\n"),
    "machine_path": ("daemon/ring/ring.cc", '// see "/ro' + 'ot/notes"\n'),
    "licence": ("daemon/bpf/other.bpf.c", "int x;\n"),
    "links": ("README.md", "And [that](daemon/ring/gone.h).\n"),
    "whitespace": ("daemon/ring/ring.cc", "int x; \n"),
}
MORE_SEEDS = {
    "memory_order": [("daemon/ring/ring.cc", "void Up() { ++turn_; }\n"), ("daemon/ring/ring.cc", "void Set() { turn_ = 1; }\n"),
                     ("daemon/ring/ring.cc", "void Add() {\n  turn_.fetch_add(\n      1);\n}\n")],
    "licence": [("daemon/bpf/switch.bpf.c", '#include "common/clock.h"\n')],
}
LAYERING_SEEDS = {
    "an include against the flow": ("common/clock.h", '#include "daemon/ring/ring.h"\n', "data flows one way"),
    "an inner layer that knows gRPC": ("daemon/ring/ring.cc", "#include <grpcpp/grpcpp.h>\n", "daemon/service and client"),
    "a client that knows the daemon": ("client/cpp/c.cc", '#include "daemon/ring/ring.h"\n', "may not include from"),
    "the product including a test": ("daemon/ring/ring.cc", '#include "tests/daemon/ring/ring_test.cc"\n', "may not include from"),
    "a relative include": ("daemon/ring/ring.cc", '#include "ring.h"\n', "no path from the top"),
    "a file in no layer": ("misc/x.cc", "int x;\n", "in no folder"),
    "a link against the flow": ("common/CMakeLists.txt", "target_link_libraries(hftmon_common PUBLIC hftmon_ring)\n", "may not use"),
    "an inner layer that links gRPC": ("daemon/ring/CMakeLists.txt", "target_link_libraries(hftmon_ring PUBLIC gRPC::grpc++)\n", "links gRPC::"),
    "an include that DEPS does not declare":
        ("daemon/os/x.cc", '#include "common/clock.h"\n', "does not name hftmon_common"),
}


def tree_with(path=None, text=""):
    """The clean tree with text added to one file."""
    folder = tempfile.TemporaryDirectory()
    root = pathlib.Path(folder.name)
    files = dict(CLEAN)
    if path is not None:
        files[path] = files.get(path, "") + text
    if path == "daemon/os/x.cc":
        files["daemon/os/CMakeLists.txt"] = "hftmon_library(hftmon_os SOURCES x.cc)\n"
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return folder, SourceTree(root)


def broken_rules(tree):
    limits = {name: list(rule(tree, {})) for name, rule in rules.WITH_LIMITS.items()}
    plain = {name: list(rule(tree)) for name, rule in rules.PLAIN.items()}
    return {name for name, found in {**limits, **plain}.items() if found}


class EachRuleBites(unittest.TestCase):
    def test_the_clean_tree_breaks_no_rule(self):
        folder, tree = tree_with()
        with folder:
            self.assertEqual(broken_rules(tree), set())
            self.assertEqual([v for layer_check in layers.CHECKS for v in layer_check(tree)], [])

    def test_every_rule_has_a_seed(self):
        self.assertEqual(set(SEEDS), set(rules.RULES))

    def test_each_seed_breaks_its_rule_and_no_other(self):
        seeds = list(SEEDS.items()) + [(rule, seed) for rule, several in MORE_SEEDS.items() for seed in several]
        for rule, (path, text) in seeds:
            with self.subTest(rule=rule, path=path, text=text[:40]):
                folder, tree = tree_with(path, text)
                with folder:
                    self.assertEqual(broken_rules(tree), {rule})

    def test_each_layering_seed_is_found(self):
        for name, (path, text, needle) in LAYERING_SEEDS.items():
            with self.subTest(name):
                folder, tree = tree_with(path, text)
                with folder:
                    found = [v for layer_check in layers.CHECKS for v in layer_check(tree)]
                    self.assertEqual([needle in v[2] for v in found], [True], found)


class ToolsBite(unittest.TestCase):
    """clang-format and clang-tidy with the configuration of the real tree."""

    def configured(self, name, path, text):
        folder, tree = tree_with(path, text)
        self.addCleanup(folder.cleanup)
        shutil.copy(pathlib.Path(__file__).parents[2] / name, tree.root)
        return tree

    def test_what_is_not_formatted_is_found(self):
        if check.find_clang_format() is None:
            self.skipTest("clang-format-14 is not installed: apt-get install clang-format-14")
        found = check.check_format(self.configured(".clang-format", "daemon/ring/odd.cc", "int  Odd( ){return 1;}\n"))
        self.assertIn("daemon/ring/odd.cc", {path for path, _, _ in found})
        self.assertNotIn("daemon/ring/ring.cc", {path for path, _, _ in found})

    def test_what_clang_tidy_knows_to_be_wrong_is_found(self):
        tool = tidy.find_tool()
        if tool is None:
            self.skipTest("clang-tidy-14 is not installed: apt-get install clang-tidy-14")
        moved = "#include <string>\n#include <utility>\nstd::string Twice(std::string a) {\n  std::string b = std::move(a);\n  return b + a;\n}\n"
        tree = self.configured(".clang-tidy", "daemon/ring/moved.cc", moved)
        source = tree.root / "daemon/ring/moved.cc"
        command = {"directory": str(tree.root), "file": str(source), "command": f"c++ -std=c++20 -c {source}"}
        (tree.root / "compile_commands.json").write_text(json.dumps([command]), encoding="utf-8")
        code, output = tidy.tidy(tool, tree.root, source)
        self.assertNotEqual(code, 0)
        self.assertIn("bugprone-use-after-move", output)


class ExceptionsOnlyShrink(unittest.TestCase):
    def violations(self, line, path=None, text=""):
        folder, tree = tree_with(path, text)
        with folder:
            file = tree.root / exceptions.FILE
            file.parent.mkdir(parents=True)
            file.write_text(line + "\n", encoding="utf-8")
            return exceptions.check(SourceTree(tree.root))

    def test_an_exception_excuses_its_violation(self):
        self.assertEqual(self.violations("glob daemon/ring/CMakeLists.txt a list would rot", *SEEDS["glob"]), [])

    def test_an_exception_that_excuses_nothing_fails(self):
        self.assertIn("no longer needed", self.violations("glob daemon/ring/CMakeLists.txt a list would rot")[0][2])

    def test_an_exception_without_a_reason_fails(self):
        self.assertIn("no reason", self.violations("glob daemon/ring/CMakeLists.txt", *SEEDS["glob"])[0][2])

    def test_a_limit_is_held(self):
        lines = "// line\n" * (rules.FILE_LINES + 40)
        self.assertEqual(self.violations("file_length daemon/ring/ring.cc 550 it tells one story", "daemon/ring/ring.cc", lines), [])
        self.assertIn("limit is 530", self.violations("file_length daemon/ring/ring.cc 530 it tells one story", "daemon/ring/ring.cc", lines)[0][2])

    def test_a_limit_that_became_loose_fails(self):
        lines = "// line\n" * (rules.FILE_LINES + 40)
        self.assertIn("lower its limit", self.violations("file_length daemon/ring/ring.cc 900 it tells one story", "daemon/ring/ring.cc", lines)[0][2])

    def test_an_unknown_rule_fails(self):
        self.assertIn("is no rule", self.violations("speling README.md none of our business")[0][2])


class FunctionsAreMeasured(unittest.TestCase):
    def test_methods_constructors_and_templates_are_functions_and_types_are_not(self):
        code = ("namespace a {\nstruct S {\n  int x = f();\n  S() : x{1} {\n    y();\n  }\n  int Get() const { return 1; }\n};\n"
                "template <typename T>\nauto Make(T t) -> S {\n  if (t) {\n    z();\n  }\n  return [&] {\n    return 1;\n  }();\n}\nenum class E { kA };\n}\n")
        self.assertEqual(rules.function_spans(code), [(4, 6), (7, 7), (9, 17)])


if __name__ == "__main__":
    python_cases.main("style_seeds")
