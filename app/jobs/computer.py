"""Which computer this is: what no other is called, and what stays when it is taken along to another network.

Names alone do neither: many computers are called the same, and a Mac takes the name that a network gives it.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import cache
from pathlib import Path

_MACHINE_ID = Path("/etc/machine-id")  # machine-id(5): one for each installation


class _Seconds(ctypes.Structure):
    """`timespec` of macOS."""

    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


@cache
def this_computer() -> str:
    """A text without colons, the same in all processes of this computer; where the system tells nothing, its name."""
    try:
        own = _own()
    except (OSError, AttributeError):
        own = ""
    name = "" if own and sys.platform == "darwin" else platform.node()
    return "/".join(each for each in (name, own) if each).replace(":", "")


def _own() -> str:
    """What the system says of itself; raises OSError, or AttributeError where there is no such question."""
    if sys.platform == "darwin":
        return _host_uuid(ctypes.CDLL(None))
    if sys.platform == "win32":
        import winreg

        view = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography", 0, view) as key:
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    return _MACHINE_ID.read_text("ascii").strip()


def _host_uuid(system: ctypes.CDLL) -> str:
    """Of the hardware: gethostuuid(2) of macOS."""
    told = (ctypes.c_ubyte * 16)()
    if system.gethostuuid(told, ctypes.byref(_Seconds(1, 0))) != 0:
        raise OSError("the computer tells nothing of itself")
    return bytes(told).hex()
