"""Kernel: a Debian kernel, fetched through apt and unpacked for a quick boot. Each step's result is kept in the work folder.

Reads: apt's package lists, the package. Produces: vmlinux, uncompressed: without KVM its decompression would take longest of all; single
modules, uncompressed too.
Nothing is installed on the host.
"""

import lzma
import pathlib
import re
import struct
import subprocess

from host_command import Unavailable, run

# What a version is called in Debian 12; the package depends on the present build of it.
META_PACKAGES = {"6.1": "linux-image-amd64", "6.1-rt": "linux-image-rt-amd64", "6.12": "linux-image-6.12-amd64"}

_XZ = b"\xfd7zXZ\0"
_ZSTD = b"\x28\xb5\x2f\xfd"


def package_of(name):
    """The package that holds the kernel `name`: a key of META_PACKAGES, or a package's own name."""
    if name not in META_PACKAGES:
        return name
    text = run("apt-cache", "depends", META_PACKAGES[name])
    found = re.search(r"Depends: (linux-image-\S+)", text)
    if not found:
        raise Unavailable(f"kernel {name}: apt knows no {META_PACKAGES[name]}: run apt-get update on Debian 12 with its security archive, "
                          "or name a linux-image package that apt-cache search lists")
    if not found.group(1).startswith(f"linux-image-{name.removesuffix('-rt')}."):
        raise Unavailable(f"kernel {name}: {META_PACKAGES[name]} is {found.group(1)} in this release: name a linux-image package")
    return found.group(1)


def _payload(image):
    """The compressed vmlinux inside a bzImage (Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length)."""
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (setup_sectors + 1) * 512 + offset
    return image[begin : begin + length]


def _uncompressed(payload, path):
    if payload.startswith(_XZ):
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(payload)
    if payload.startswith(_ZSTD):
        # The last four bytes are the size, behind the frame: zstd complains of them after it has written everything.
        return subprocess.run(["zstd", "-dcq"], input=payload, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=120).stdout
    raise Unavailable(f"{path}: compressed with neither xz nor zstd (it begins with {payload[:6].hex()}): teach tests/rig/kernel.py")


class Kernel:
    def __init__(self, name, work):
        self.name = name
        self.package = package_of(name)
        self._folder = pathlib.Path(work) / "kernels" / self.package

    def _debian_package(self):
        self._folder.mkdir(parents=True, exist_ok=True)
        packages = list(self._folder.glob("*.deb"))
        if not packages:
            run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", self.package, cwd=self._folder)
            packages = list(self._folder.glob("*.deb"))
        return packages[0]

    def module(self, name):
        """The path of the module NAME.ko, unpacked if it was not yet. It is to need no other one."""
        ready = self._folder / "modules" / f"{name}.ko"
        if ready.exists():
            return ready
        run("dpkg-deb", "-x", self._debian_package(), self._folder / "unpacked")
        packed = next((self._folder / "unpacked" / "lib" / "modules").rglob(f"{name}.ko*"), None)
        if packed is None:
            raise Unavailable(f"the package {self.package} has no {name}.ko: it is built into the kernel, or not there")
        module = packed.read_bytes()
        ready.parent.mkdir(exist_ok=True)
        partial = ready.with_suffix(".partial")
        partial.write_bytes(lzma.decompress(module) if module.startswith(_XZ) else module)
        partial.rename(ready)
        run("rm", "-rf", self._folder / "unpacked")
        return ready

    def vmlinux(self):
        """The path of the kernel's ELF file, fetched and unpacked if it was not yet."""
        ready = self._folder / "vmlinux"
        if ready.exists():
            return ready
        run("dpkg-deb", "-x", self._debian_package(), self._folder / "unpacked")
        image = next((self._folder / "unpacked" / "boot").glob("vmlinuz-*"), None)
        if image is None:
            raise Unavailable(f"the package {self.package} has no /boot/vmlinuz-*: remove {self._folder} and name one of linux-image-*")
        elf = _uncompressed(_payload(image.read_bytes()), image)
        if not elf.startswith(b"\x7fELF"):
            raise Unavailable(f"{image}: no kernel came out of it: remove {self._folder} and try again")
        partial = ready.with_suffix(".partial")
        partial.write_bytes(elf)
        partial.rename(ready)
        run("rm", "-rf", self._folder / "unpacked")
        return ready
