"""Arm64Packages: packages of Debian's arm64 archive on a host of another architecture, unpacked and not installed.

Reads: the host's own apt sources, through lists of its own. Produces: folders below its work folder, each kept and complete once it is
there. With the folders there, the network is not asked.
"""

import pathlib
import re
import shutil

from host_command import Unavailable, run


class Arm64Packages:
    def __init__(self, work):
        self._work = pathlib.Path(work).resolve()
        self._apt = self._work / "apt"
        for folder in ("lists/partial", "cache/archives/partial"):
            (self._apt / folder).mkdir(parents=True, exist_ok=True)
        # No package is installed as far as this apt is concerned: whatever the host has is of no use to arm64.
        (self._apt / "status").touch()
        settings = {"APT::Architecture": "arm64", "APT::Architectures": "arm64", "APT::Sandbox::User": "root",
                    "APT::Update::Error-Mode": "any", "Dir::State::lists": self._apt / "lists", "Dir::Cache": self._apt / "cache",
                    "Dir::State::status": self._apt / "status", "Acquire::Languages": "none", "Acquire::Retries": "1",
                    "Acquire::http::Timeout": "20"}
        self._options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]

    def unpacked(self, name, packages, only=()):
        """The folder work/NAME with these packages' files; of them those in the top folders `only`, if it names any.

        Unavailable: apt cannot get one of the packages.
        """
        folder = self._work / name
        contents = folder / "packages"
        wanted = "".join(f"{package}\n" for package in packages)
        if contents.exists() and contents.read_text(encoding="utf-8") == wanted:
            return folder
        downloads, partial = (self._work / f"{name}.{kind}" for kind in ("debs", "partial"))
        for path in (folder, downloads, partial):
            shutil.rmtree(path, ignore_errors=True)
        downloads.mkdir(parents=True)
        self._ask("apt-get", "-q", "download", *packages, cwd=downloads)
        for package in sorted(downloads.glob("*.deb")):
            run("dpkg-deb", "-x", package, partial)
        for entry in partial.iterdir():
            if only and entry.name not in only:
                shutil.rmtree(entry)
        (partial / "packages").write_text(wanted, encoding="utf-8")
        partial.rename(folder)
        shutil.rmtree(downloads)
        return folder

    def dependency(self, package, pattern):
        """The first package that `package` depends on whose name matches the pattern. Unavailable: there is none."""
        text = self._ask("apt-cache", "depends", package)
        found = re.search(rf"Depends: ({pattern})", text)
        if not found:
            raise Unavailable(f"{package} (arm64) depends on no {pattern} in this archive: name the package itself")
        return found.group(1)

    def _ask(self, tool, *words, cwd=None):
        """What apt says. Its lists may be missing, or so old that the archive has moved on: they are read again once."""
        try:
            return self._run(tool, *words, cwd=cwd)
        except Unavailable:
            pass
        doubt = ""
        try:
            self._run("apt-get", "-q", "update")
        except Unavailable as reason:
            # One of several archives may have none for arm64, and the others suffice.
            doubt = f"; {reason}"
        try:
            return self._run(tool, *words, cwd=cwd)
        except Unavailable as reason:
            raise Unavailable(f"{reason}{doubt}\nthis needs Debian 12's archive in the host's apt sources, and the network the first "
                              "time") from None

    def _run(self, tool, *words, cwd=None):
        return run(tool, *self._options, *words, cwd=cwd, name=f"{tool} {' '.join(words)} (for arm64)")
