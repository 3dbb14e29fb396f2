"""A real OpenSSH server on loopback, with keys and settings of its own in a temporary folder.

Signing in with a key works for whoever runs the tests. Signing in with a password needs a user of the system whose password
we know: when the tests run as root, one is made with `useradd` and removed afterwards (`with_password_user`). Without root
those tests are skipped. Nothing of the machine's own sshd is touched.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import asyncssh

from tests.rights import IS_ROOT

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
USABLE = Path(SSHD).exists()


@dataclass
class OpenSshServer:
    """A running server; `folder` is where it may write, `key` a private key it accepts."""

    port: int
    root: Path
    user: str
    key: str
    host_key: str
    fingerprint: str
    process: subprocess.Popen[bytes]
    password: str = ""

    @property
    def folder(self) -> Path:
        return self.root / "files"

    def values(self, **changes: str) -> dict[str, str]:
        """Settings of a connection that signs in with the key and trusts the server."""
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": self.user,
            "sign_in": "key",
            "folder": str(self.folder),
            "host_key": self.host_key,
            **changes,
        }

    def break_connections(self) -> None:
        """End every session at once, as a cut network does; the server itself goes on."""
        for pid in _descendants(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def freeze_connections(self, *, frozen: bool) -> None:
        """Let the sessions stand still, as a dead network does."""
        for pid in _descendants(self.process.pid):
            try:
                os.kill(pid, signal.SIGSTOP if frozen else signal.SIGCONT)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        """End the server and its sessions; stopping twice is harmless."""
        self.freeze_connections(frozen=False)
        self.break_connections()
        self.process.terminate()
        self.process.wait(60)

    def start_again(self) -> None:
        """Listen again on the same port with the same keys, after `stop`."""
        self.process = _listen(self.root, self.port)


def start(root: Path, *, host_key_type: str = "ssh-ed25519", port: int | None = None) -> OpenSshServer:
    """Start a server that keeps everything below `root`."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "files").mkdir(exist_ok=True)
    Path("/run/sshd").mkdir(exist_ok=True) if IS_ROOT else None
    host_key = asyncssh.generate_private_key(host_key_type)
    user_key = asyncssh.generate_private_key("ssh-ed25519")
    for name, data in {
        "host_key": host_key.export_private_key(),
        "authorized_keys": user_key.export_public_key(),
    }.items():
        (root / name).write_bytes(data)
        (root / name).chmod(0o600)
    port = port or _free_port()
    config = root / "sshd_config"
    config.write_text(
        f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host_key
PidFile {root}/sshd.pid
AuthorizedKeysFile {root}/authorized_keys
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication {"yes" if IS_ROOT else "no"}
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
MaxStartups 100
LogLevel ERROR
"""
    )
    process = _listen(root, port)
    public = host_key.convert_to_public()
    return OpenSshServer(
        port=port,
        root=root,
        user=getpass.getuser(),
        key=user_key.export_private_key().decode(),
        host_key=public.export_public_key().decode().strip(),
        fingerprint=public.get_fingerprint(),
        process=process,
    )


def _listen(root: Path, port: int) -> subprocess.Popen[bytes]:
    command = [SSHD, "-D", "-f", str(root / "sshd_config"), "-E", str(root / "sshd.log")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    _wait_for(port, process, root / "sshd.log")
    return process


@contextmanager
def password_user() -> Iterator[tuple[str, str]]:
    """A user of the system with a known password, removed afterwards; needs root."""
    name, password = f"sendoff{token_hex(4)}", token_hex(12)
    _account("useradd", "--create-home", "--shell", "/bin/sh", name)
    try:
        _account("chpasswd", text=f"{name}:{password}\n")
        yield name, password
    finally:
        _end_processes_of(name)
        _account("userdel", "--remove", name)


def _account(*command: str, text: str = "") -> None:
    """Change the list of users; another test may hold its lock for a moment."""
    for _attempt in range(50):
        done = subprocess.run(command, input=text, check=False, capture_output=True, text=True)
        if done.returncode == 0 or "lock" not in done.stderr:
            break
        time.sleep(0.1)
    if done.returncode not in {0, 12}:  # 12: userdel could not remove a mail box that never was
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")


def _end_processes_of(user: str) -> None:
    """The sessions of the throw-away user; userdel refuses while one is alive."""
    listed = subprocess.run(["ps", "-o", "pid=", "-u", user], check=False, capture_output=True, text=True)
    for pid in listed.stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue


def _descendants(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    children: dict[int, list[int]] = {}
    for line in listed.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(log.read_text() if log.exists() else "sshd ended")
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("sshd does not answer")
