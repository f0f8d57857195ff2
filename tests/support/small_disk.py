# SPDX-License-Identifier: Apache-2.0
"""A small file system in memory, for tests that fill a disk. Mounting needs root."""
import errno
import os
import subprocess
from pathlib import Path


class SmallDisk:
    """Mounted at a folder, with so many MiB. Use as a context."""

    def __init__(self, folder, megabytes, user="root"):
        self.folder, self.megabytes, self.user = Path(folder), megabytes, user

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m,mode=700,uid={self.user},gid={self.user}",
                        "tmpfs", self.folder], check=True)
        return self

    def __exit__(self, *_):
        self.make_room()
        subprocess.run(["umount", "--lazy", self.folder], check=False)

    @property
    def ballast(self):
        return self.folder / "ballast"

    def fill(self):
        """Not a block is left."""
        with open(self.ballast, "ab", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12):
                try:
                    while ballast.write(bytes(size)) == size:
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def grow(self, megabytes):
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", self.folder], check=True)

    def make_room(self):
        self.ballast.unlink(missing_ok=True)


def may_mount(folder):
    """None, or why a file system cannot be mounted here."""
    try:
        with SmallDisk(folder, 1):
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        return f"nothing can be mounted: {error}"
