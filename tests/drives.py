"""A drive in the memory with a file system of its own that can lose its power: what was not brought onto it is gone then.

The file system lies on a loop device over a sealable file in memory. Sealing the file is the loss of power: the drive keeps
what the kernel has written to it until that very moment and takes nothing after, also in the middle of a sync. A copy
of it is mounted in its place then, which replays the file system's own journal as after a real loss of power. What a
program wrote and did not sync was still in the kernel's memory, so it is missing or empty.

Linux only, and needs root. A mount and its loop device go with `close`; a process that has a mount namespace of its own
(`unshare --mount`) leaves none behind however it ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

SYSTEMS = {
    "ext4": (["mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0,nodiscard"], "data=ordered,commit=300", 256),
    "ext4-writeback": (
        ["mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0,nodiscard"],
        "data=writeback,noauto_da_alloc,commit=300",
        256,
    ),
    "xfs": (["mkfs.xfs", "-q", "-K", "-f"], "nouuid", 320),
    "btrfs": (["mkfs.btrfs", "-q", "-K"], "commit=300", 320),
}
"""How each is made and mounted, and its size in MB: what is not synced is written late, or a missing sync would not show."""
WORST = "ext4-writeback"
"""What most machines have, set so that it forgives least."""


def refusal(system: str = WORST) -> str | None:
    """Why there can be no such drive here, None when there can."""
    if sys.platform != "linux":
        return "needs Linux"
    if os.geteuid() != 0:
        return "needs root"
    if shutil.which(SYSTEMS[system][0][0]) is None:
        return f"needs {SYSTEMS[system][0][0]}"
    try:
        with tempfile.TemporaryDirectory() as folder, Drive(Path(folder), system):
            return None
    except (OSError, subprocess.CalledProcessError):
        return "may not mount a loop device"


class Drive:
    """Mounted at `folder` until `close`; a context manager. `cut` from any thread, the rest from one."""

    def __init__(self, folder: Path, system: str = WORST) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        made, options, size = SYSTEMS[system]
        self._type, self._options = system.partition("-")[0], options
        self._memory = _memory(size << 20)
        try:
            subprocess.run([*made, _path(self._memory)], check=True, stdout=subprocess.DEVNULL)
            self._mount()
        except BaseException:
            os.close(self._memory)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def cut(self) -> None:
        """The power goes: nothing more reaches the drive, a second time nothing happens."""
        import fcntl  # which Windows does not have

        fcntl.fcntl(self._memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)

    def revive(self) -> None:
        """The power is back: mount what the drive held, in the same place. Whoever wrote there has ended."""
        self._unmount()
        dead, self._memory = self._memory, _copied(self._memory)
        os.close(dead)
        self._mount()

    def close(self) -> None:
        """Give everything back."""
        self._unmount()
        os.close(self._memory)

    def _mount(self) -> None:
        options = f"loop,{self._options}"
        mount = ["mount", "-t", self._type, "-o", options, _path(self._memory), str(self.folder)]
        subprocess.run(mount, check=True, stderr=subprocess.PIPE)

    def _unmount(self) -> None:
        # Lazily: this process may still hold a file there, of which nothing is wanted any more.
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


def _memory(size: int) -> int:
    memory = os.memfd_create("drive", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(memory, size)
    return memory


def _path(memory: int) -> str:
    return f"/proc/{os.getpid()}/fd/{memory}"


def _copied(memory: int) -> int:
    """Another file in memory with the same content; what was never written takes no room in it either."""
    copy, size, end = _memory(os.fstat(memory).st_size), os.fstat(memory).st_size, 0
    with suppress(OSError):  # there is no more data
        while end < size:
            place = os.lseek(memory, end, os.SEEK_DATA)
            end = os.lseek(memory, place, os.SEEK_HOLE)
            os.lseek(copy, place, os.SEEK_SET)
            while place < end:
                place += os.sendfile(copy, memory, place, end - place)
    return copy
