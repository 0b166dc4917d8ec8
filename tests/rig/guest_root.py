"""GuestRoot: the guest's whole file system as one initramfs: no disk, no driver, no kernel module is needed.

Reads: the build's binaries, busybox, Debian's python3, numactl and its like, and the shared libraries that all these load here.
Produces: an uncompressed cpio archive (unpacking is what a guest without KVM is slow at). Made anew for each run: it takes seconds.
"""

import pathlib
import re
import shutil
import subprocess

import initramfs

HERE = pathlib.Path(__file__).parent
INTERPRETER = "/usr/bin/python3"
# Of the standard library: what no case imports, and is large.
LEFT_OUT = shutil.ignore_patterns("test", "tests", "idlelib", "lib2to3", "ensurepip", "pydoc_data", "dist-packages", "config-*", "distutils", "*.opt-*.pyc")
PROGRAMS = ("hftmond", "hftmon", "hftmon-unwind", "hftmon-numa-probe")
WORKLOADS = ("residents", "ping_pong", "inverted", "punctual", "memory_holder")
# What commands of recommendations call, as a Debian host has it: busybox's own would not do.
HOST_PROGRAMS = ("numactl", "migratepages", "numastat", "taskset")


def libraries_of(binary):
    """Each shared object that the loader takes for it on this host, the loader itself included."""
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False, timeout=60).stdout
    missing = re.findall(r"(\S+) => not found", listed)
    if missing:
        raise FileNotFoundError(f"{binary}: this host lacks {', '.join(missing)}: install the group runtime of packaging/dependencies")
    return sorted(set(re.findall(r"(/\S+) \(0x", listed)))


class GuestRoot:
    def __init__(self, build_dir, work):
        self._build_dir = pathlib.Path(build_dir)
        self._root = pathlib.Path(work) / "root"
        self._libraries = set()

    def make(self, archive):
        """Writes the archive; returns its path."""
        shutil.rmtree(self._root, ignore_errors=True)
        for folder in ("usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "proc", "sys", "dev", "run", "tmp", "etc", "rig", "var"):
            (self._root / folder).mkdir(parents=True)
        for link in ("bin", "lib", "lib64", "sbin"):
            (self._root / link).symlink_to(f"usr/{link}")
        (self._root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n", encoding="utf-8")
        (self._root / "etc/hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")
        self._add_busybox()
        self._add_python()
        self._add_product()
        self._add_cases()
        for library in self._libraries:
            self._copy(library, library)
        initramfs.pack(self._root, archive)
        return archive

    def _copy(self, source, inside):
        target = self._root / str(inside).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        target.chmod(0o755)
        return target

    def _add_binary(self, source, inside):
        self._libraries.update(libraries_of(source))
        # Without its debugging information, a tenth: the guest holds all this in memory.
        subprocess.run(["strip", "-o", self._copy(source, inside), source], check=True, timeout=120)

    def _add_busybox(self):
        busybox = shutil.which("busybox")
        if busybox is None or "dynamic executable" not in subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stderr:
            raise FileNotFoundError("busybox: not there, or not the static one: apt-get install busybox-static")
        self._copy(busybox, "/usr/bin/busybox")
        for name in ("sh", "mount", "poweroff", "cat"):
            (self._root / "usr/bin" / name).symlink_to("busybox")

    def _add_python(self):
        library = subprocess.run([INTERPRETER, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"], capture_output=True, text=True,
                                 check=True, timeout=60).stdout.strip()
        self._libraries.update(libraries_of(INTERPRETER))
        self._copy(pathlib.Path(INTERPRETER).resolve(), INTERPRETER)
        target = self._root / library.lstrip("/")
        shutil.copytree(library, target, ignore=LEFT_OUT, symlinks=False, ignore_dangling_symlinks=True)
        for extension in target.rglob("*.so"):
            self._libraries.update(libraries_of(extension))
        # What is not compiled yet would be compiled in the guest, each time.
        subprocess.run([INTERPRETER, "-m", "compileall", "-q", "-s", self._root, target / "unittest", target / "json"], check=True, timeout=120)

    def _add_product(self):
        for name in PROGRAMS:
            self._add_binary(self._build_dir / "bin" / name, f"/usr/bin/{name}")
        for name in HOST_PROGRAMS:
            path = shutil.which(name)
            if path is None:
                raise FileNotFoundError(f"{name}: not there: apt-get install numactl util-linux")
            self._add_binary(path, f"/usr/bin/{name}")
        for name in WORKLOADS:
            self._add_binary(self._build_dir / "bin" / "tests" / name, f"/usr/bin/{name}")

    def _add_cases(self):
        for path in sorted((HERE / "guest").iterdir()):
            if path.is_file():
                self._copy(path, f"/rig/{path.name}")
        self._copy(HERE.parent / "python_cases.py", "/rig/python_cases.py")
        self._copy(HERE / "guest" / "init", "/init")
