"""pack: a folder as an initramfs (cpio, newc), by the host's busybox."""

import subprocess


def pack(root, archive):
    """Writes all that is below `root` to the file `archive`."""
    names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True, timeout=60).stdout
    with open(archive, "wb") as out:
        subprocess.run(["busybox", "cpio", "-o", "-H", "newc"], cwd=root, input=names, stdout=out, stderr=subprocess.DEVNULL, check=True,
                       timeout=120)
