"""ArmProgram: the counting module, the marker library and their cases (tests/rig/arm_pmu) as one static arm64 binary, by the host's clang.

Reads: this tree's sources, those of the module and the library as their CMakeLists.txt list them. Produces: the binary, and the initramfs of which it is
/init.
"""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess

import initramfs
from host_command import Unavailable
from library_sources import ROOT, library_sources, marker_sources

MODULE = "hftmon_pmu_counting"
CASES = ROOT / "tests/rig/arm_pmu"
# What the binary is compiled and linked with, of Debian's arm64 archive.
SYSROOT_PACKAGES = ("libc6-dev", "libc6", "linux-libc-dev", "libstdc++-12-dev", "libgcc-12-dev", "libgcc-s1", "libabsl-dev", "libfmt-dev",
                    "libgtest-dev", "libgmock-dev")
# Header-only fmt: its static archive is not needed. NDEBUG: as the module ships.
FLAGS = ("-target", "aarch64-linux-gnu", "-O2", "-g1", "-DNDEBUG", "-DFMT_HEADER_ONLY", "-I", str(ROOT))
LANGUAGES = {".cc": ("-std=c++20",), ".c": ("-x", "c", "-std=c11", "-D_GNU_SOURCE", "-Wpedantic")}
COMPILE_TIMEOUT_S = 600


class BuildFailed(Exception):
    """The compiler's own words."""


class ArmProgram:
    def __init__(self, sysroot, work):
        self._flags = [*FLAGS, f"--sysroot={sysroot}"]
        self._sysroot = sysroot
        self._work = pathlib.Path(work)
        self._compiler = shutil.which("clang++-14") or shutil.which("clang++")
        ccache = shutil.which("ccache")
        self._launcher = [ccache] if ccache else []
        if self._compiler is None:
            raise Unavailable("clang++ is not there: apt-get install clang-14 lld-14")

    def archive(self):
        """Compiles, links and packs; the path of the initramfs. BuildFailed with the compiler's words."""
        objects, root = self._work / "objects", self._work / "root"
        for folder in (objects, root):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        sources = [*library_sources(MODULE), *marker_sources(), *sorted(CASES.glob("*.cc"))]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as compilers:
            compiled = list(compilers.map(lambda source: self._compile(source, objects), sources))
        # Each of abseil's archives may need each other one.
        abseil = sorted(f"-l:{path.name}" for path in self._sysroot.glob("usr/lib/aarch64-linux-gnu/libabsl_*.a"))
        self._run("-static", "-fuse-ld=lld", "-s", "-o", root / "init", *compiled,
                  "-Wl,--start-group", "-lgmock", "-lgtest", *abseil, "-Wl,--end-group")
        initramfs.pack(root, self._work / "root.cpio")
        return self._work / "root.cpio"

    def _compile(self, source, objects):
        target = objects / (source.relative_to(ROOT).as_posix().replace("/", ".") + ".o")
        self._run("-c", *LANGUAGES[source.suffix], "-Wall", "-Wextra", "-o", target, source, launcher=self._launcher)
        return target

    def _run(self, *words, launcher=()):
        done = subprocess.run([*launcher, self._compiler, *self._flags, *words], capture_output=True, text=True, check=False,
                              timeout=COMPILE_TIMEOUT_S, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise BuildFailed(done.stderr.strip()[-4000:])
