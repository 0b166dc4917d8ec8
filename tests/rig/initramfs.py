"""pack: a folder as an initramfs (cpio, newc), by the host's busybox. join: several of them as one, as the kernel takes them."""

import shutil
import subprocess


def pack(root, archive):
    """Writes all that is below `root` to the file `archive`."""
    names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True, timeout=60).stdout
    with open(archive, "wb") as out:
        subprocess.run(["busybox", "cpio", "-o", "-H", "newc"], cwd=root, input=names, stdout=out, stderr=subprocess.DEVNULL, check=True,
                       timeout=120)


def join(archives, path):
    """Writes the archives one behind the other to the file `path`: the kernel unpacks them in this order. busybox fills each up to 512 bytes."""
    with open(path, "wb") as out:
        for archive in archives:
            with open(archive, "rb") as part:
                shutil.copyfileobj(part, out, 1 << 20)
