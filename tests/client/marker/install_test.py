"""What `cmake --install --component marker` puts there is all that a program needs: C11 and C++20, with the static and the shared library."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import python_cases

BUILD = pathlib.Path(os.environ["HFTMON_BUILD_DIR"])
SOURCE = pathlib.Path(os.environ["HFTMON_SOURCE_DIR"])
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
CPP_PROGRAM = """
#include "client/marker/hftmon_counter_profile.h"
#include "client/marker/hftmon_profile.h"
#include "client/marker/marker_range.h"
#include "client/marker/marker_span.h"
int main() {
  const hftmon_counter_event events[] = {HFTMON_COUNTER_CYCLES, HFTMON_COUNTER_L1D_MISSES};
  hftmon_counters* counters = hftmon_counters_open(events, 2, nullptr);
  hftmon_counter_profile* counts = hftmon_counter_profile_create(1, 2);
  hftmon_counter_span span;
  hftmon_counter_profile_begin(counters, &span);
  hftmon_counter_profile_end(counts, 0, counters, &span);
  hftmon_counter_profile_destroy(counts);
  hftmon_counters_close(counters);
  hftmon_profile* profile = hftmon_profile_create(1);
  hftmon_profile_end(profile, 0, hftmon_profile_begin());
  hftmon_profile_destroy(profile);
  hftmon_marker* marker = hftmon_marker_create(nullptr);
  { hftmon::MarkerRange range(marker, "counters", &span, sizeof(span)); }
  { hftmon::MarkerSpan span(hftmon_marker_this_thread(marker), hftmon_marker_operation(marker, "order"), 1); }
  hftmon_marker_close(marker);
}
"""


class Install(unittest.TestCase):
    def setUp(self):
        for tool in ("cc", "c++", "pkg-config", "cmake"):
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed")
        if "-fsanitize" in (BUILD / "build.ninja").read_text(encoding="utf-8"):
            self.skipTest("the libraries of a sanitizer's build want its run time")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.prefix = pathlib.Path(folder.name)
        self.run_checked(["cmake", "--install", BUILD, "--component", "marker", "--prefix", self.prefix])
        found = list(self.prefix.rglob("hftmon_marker.pc"))
        self.assertEqual(len(found), 1, "one pkg-config file")
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent), "LD_LIBRARY_PATH": str(found[0].parent.parent)}

    def run_checked(self, command, **keywords):
        run = subprocess.run(command, capture_output=True, text=True, check=False, **keywords)
        self.assertEqual(run.returncode, 0, f"{command}: {run.stdout}{run.stderr}")
        return run.stdout

    def flags(self, *options):
        return self.run_checked(["pkg-config", *options, "hftmon_marker"], env=self.environment).split()

    def test_the_examples_are_c11_programs_of_the_shared_library(self):
        for example in ("marks", "profile", "counters"):
            program = self.prefix / example
            source = SOURCE / "client/examples" / f"{example}.c"
            self.run_checked(["cc", "-std=c11", *STRICT, source, "-o", program, *self.flags("--cflags", "--libs")])
            self.run_checked([program], env=self.environment)

    def test_a_cpp_program_links_the_static_library(self):
        source = self.prefix / "span.cc"
        source.write_text(CPP_PROGRAM, encoding="utf-8")
        program = self.prefix / "span"
        archive = next(self.prefix.rglob("libhftmon_marker.a"))
        for standard in ("-std=c++17", "-std=c++20"):
            self.run_checked(["c++", standard, *STRICT, source, "-o", program, *self.flags("--cflags"), archive, "-pthread"])
            self.run_checked([program], env={**os.environ, "LD_LIBRARY_PATH": ""})

    def test_nothing_else_is_exported(self):
        library = next(self.prefix.rglob("libhftmon_marker.so"))
        symbols = self.run_checked(["nm", "--dynamic", "--defined-only", "--format=posix", library]).splitlines()
        names = {line.split()[0] for line in symbols}
        self.assertIn("hftmon_marker_create", names)
        self.assertIn("hftmon_profile_create", names)
        self.assertIn("hftmon_counters_open", names)
        folder = self.prefix / "include/hftmon/client/marker"
        headers = "".join(path.read_text(encoding="utf-8") for path in folder.glob("hftmon_*.h"))
        declared = set(re.findall(r"HFTMON_MARKER_API [^;(]*?\b(hftmon_\w+)\(", headers))
        self.assertEqual(names, declared, "what the headers declare, and no function of the library's own")


if __name__ == "__main__":
    python_cases.main("marker_install_test")
