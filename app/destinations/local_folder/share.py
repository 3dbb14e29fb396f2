"""Whether a network share is really connected: without it, its folder may be a plain one of this computer, and fill up unseen."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from app.core.errors import FixSettings, TryAgain

ANSWER_SECONDS = 20.0
_MOUNTS = Path("/proc/self/mountinfo")
_OWN = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "overlay", "vfat", "exfat", "ntfs3"}
)
_ADDRESSES = ("smb://", "cifs://", "nfs://", "http://", "https://", "file://")


def demand_plain_path(folder: str) -> None:
    """Refuse what names a share or a site but is no path on this system; raises FixSettings."""
    if folder.lower().startswith(_ADDRESSES):
        raise FixSettings(
            f"“{folder}” is an address, not a folder.",
            "Files go there by way of a folder of this computer: a mounted share, or a library that OneDrive keeps in step.",
            "Connect the share or library with this computer, then choose its folder.",
            code="not_a_path",
        )
    if os.name != "nt" and folder.startswith(("\\\\", "//")):
        raise FixSettings(
            f"“{folder}” is a name Windows gives to a network share.",
            "This computer knows a share by the folder it is mounted at.",
            "Mount the share, then choose that folder.",
            code="unc_here",
        )


def demand_connected(folder: Path) -> None:
    """Make sure that the share answers and is no folder of this computer's own drive; raises TryAgain."""
    there = _answer(folder)
    if there is None:
        raise TryAgain(
            f"“{folder}” does not answer.",
            f"The network share was silent for {ANSWER_SECONDS:.0f} seconds.",
            "Check the network and the server, then try again.",
            code="share_silent",
        )
    if not there:
        raise TryAgain(
            f"“{folder}” is not connected.",
            "The folder of the network share is not there, or lies on this computer's own drive now.",
            "Connect the share with this computer, then try again.",
            code="share_away",
        )


def _answer(folder: Path) -> bool | None:
    """Whether the share is connected; None when the system does not answer in time: asking a dead share can take for ever."""
    told: list[bool] = []

    def ask() -> None:
        try:
            told.append(_is_connected(folder))
        except OSError:  # the host is down, the handle is stale ...
            told.append(False)

    asking = threading.Thread(target=ask, name="sendoff-share", daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    return told[0] if told else None


def _is_connected(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    if sys.platform != "linux":  # Windows and macOS remove the name of a share that is away
        return True
    return _file_system(folder.resolve()) not in _OWN


def _file_system(folder: Path) -> str:
    """The kind of file system the folder lies on (proc(5), mountinfo): that of the deepest mount above it, the last one there."""
    best, kind = -1, ""
    for line in _MOUNTS.read_text("utf-8", "surrogateescape").splitlines():
        fields, _, rest = line.partition(" - ")
        place = Path(_unescaped(fields.split(" ")[4]))
        if folder.is_relative_to(place) and len(place.parts) >= best:
            best, kind = len(place.parts), rest.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, sign)
    return text
