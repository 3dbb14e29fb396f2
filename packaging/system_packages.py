"""What Sendoff needs from a Linux system beside Python: found by what is there, installed as root on Debian and Ubuntu."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from problems import SetupError

ADMINISTRATORS_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True)
class Need:
    """One thing that must exist, and Debian's package that brings it.

    `kind` says what `name` is: a shared "library" as the dynamic loader names it, a "program", or a Python "module".
    Newer releases add t64 to the name of some packages; apt takes the name here for those as well.
    """

    package: str
    kind: str
    name: str


# A Debian Python comes without the part that makes environments.
ENVIRONMENT = (Need(f"python3.{sys.version_info[1]}-venv", "module", "ensurepip"),)

# What Qt and its platform plug-ins link to and the wheels do not bring, as ldd shows for PySide6 6.11.
QT = (
    Need("libegl1", "library", "libEGL.so.1"),
    Need("libgl1", "library", "libGL.so.1"),
    Need("libxkbcommon0", "library", "libxkbcommon.so.0"),
    Need("libxkbcommon-x11-0", "library", "libxkbcommon-x11.so.0"),
    Need("libdbus-1-3", "library", "libdbus-1.so.3"),
    Need("libfontconfig1", "library", "libfontconfig.so.1"),
    Need("libglib2.0-0", "library", "libglib-2.0.so.0"),
    Need("libgssapi-krb5-2", "library", "libgssapi_krb5.so.2"),
    Need("libxcb-cursor0", "library", "libxcb-cursor.so.0"),
    Need("libxcb-icccm4", "library", "libxcb-icccm.so.4"),
    Need("libxcb-image0", "library", "libxcb-image.so.0"),
    Need("libxcb-keysyms1", "library", "libxcb-keysyms.so.1"),
    Need("libxcb-randr0", "library", "libxcb-randr.so.0"),
    Need("libxcb-render-util0", "library", "libxcb-render-util.so.0"),
    Need("libxcb-shape0", "library", "libxcb-shape.so.0"),
    Need("libxcb-sync1", "library", "libxcb-sync.so.1"),
    Need("libxcb-xfixes0", "library", "libxcb-xfixes.so.0"),
    Need("libxcb-xkb1", "library", "libxcb-xkb.so.1"),
    Need("libx11-xcb1", "library", "libX11-xcb.so.1"),
)

# The real servers of the tests: SFTP, the secret service on its own bus, a display, PostgreSQL (its own programs lie off the
# PATH, so the one that makes clusters is looked for), and the Java that Spark's server runs on.
TEST_TOOLS = (
    Need("openssh-server", "program", "sshd"),
    Need("gnome-keyring", "program", "gnome-keyring-daemon"),
    Need("dbus", "program", "dbus-run-session"),
    Need("xvfb", "program", "Xvfb"),
    Need("postgresql", "program", "pg_createcluster"),
    Need("default-jre-headless", "program", "java"),
)


def provide(needs: Iterable[Need], *, required: bool) -> None:
    """Install what is missing where that is possible; else say how, and stop only when it is `required`.

    Raises:
        SetupError: something required is missing and this account or this system cannot install it.
    """
    if platform.system() != "Linux":
        return
    absent = missing(needs)
    if not absent:
        return
    if can_install():
        install(absent)
        absent = missing(absent)
    if not absent:
        return
    if required:
        raise SetupError(advice(absent, apt=has_apt()))
    print(advice(absent, apt=has_apt()), file=sys.stderr, flush=True)


def missing(needs: Iterable[Need]) -> tuple[Need, ...]:
    """The needs that this computer does not meet."""
    wanted = tuple(needs)
    libraries = loader_libraries() if any(need.kind == "library" for need in wanted) else frozenset()
    return tuple(need for need in wanted if not is_met(need, libraries))


def is_met(need: Need, libraries: Collection[str]) -> bool:
    """Whether the thing is there; `libraries` are the names the dynamic loader knows."""
    if need.kind == "library":
        return need.name in libraries
    if need.kind == "module":
        return importlib.util.find_spec(need.name) is not None
    return _program(need.name) is not None


def loader_libraries() -> frozenset[str]:
    """The shared libraries of this system by name, as `ldconfig` lists them; all of Qt's where it cannot say."""
    program = _program("ldconfig")
    listing = subprocess.run([program, "-p"], capture_output=True, text=True, check=False).stdout if program else ""
    return parse_listing(listing) or frozenset(need.name for need in QT)


def parse_listing(text: str) -> frozenset[str]:
    """The names in the output of `ldconfig -p`, whose lines read `name (kind) => path`."""
    return frozenset(line.split()[0] for line in text.splitlines() if " => " in line)


def has_apt() -> bool:
    """Whether this system installs Debian packages."""
    return shutil.which("apt-get") is not None


def can_install() -> bool:
    """Whether this process may install packages itself, without asking for a password."""
    return sys.platform != "win32" and has_apt() and os.geteuid() == 0


def install_command(needs: Iterable[Need]) -> list[str]:
    """The `apt-get` call that brings the needs, each package once."""
    packages = dict.fromkeys(need.package for need in needs)
    return ["apt-get", "install", "--yes", "--no-install-recommends", *packages]


def install(needs: Iterable[Need]) -> None:
    """Install the packages of the needs with apt.

    Raises:
        SetupError: apt failed.
    """
    command = install_command(needs)
    print(f"Installing system packages: {' '.join(command[4:])}", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "update", "-qq"], [*command[:2], "-qq", *command[2:]]):
        done = subprocess.run(
            argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            raise SetupError(
                f"{done.stdout}\nSystem packages could not be installed. apt-get ended with status {done.returncode}. "
                f"Mend what it says above, or run yourself:\n  {' '.join(command)}"
            )


def advice(needs: Iterable[Need], *, apt: bool) -> str:
    """What is missing and the exact command that brings it, for a person to read."""
    absent = tuple(needs)
    names = ", ".join(need.name for need in absent)
    if apt:
        fix = f"Install it with:\n  sudo {' '.join(install_command(absent))}"
    else:
        fix = "Install what brings these files with the package manager of this system."
    return f"This system lacks {names}. Sendoff's window, its tests or its environment need it. {fix}"


def _program(name: str) -> str | None:
    """Where a program is, also in the folders that only an administrator has on the PATH."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(ADMINISTRATORS_FOLDERS))
