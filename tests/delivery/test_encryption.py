"""Files for a partner: what is encrypted is read back by the owner's key, and keys that do not hold are refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pysequoia
import pytest

from app.core.errors import FixSettings, TryAgain
from app.delivery.encryption import Encryption, armoured, read_key

NOW = datetime.now(UTC)
GPG = shutil.which("gpg")


def public(owner: pysequoia.Tsk) -> str:
    return str(owner.extract_certificate())


def refused(key: str, now: datetime = NOW) -> str:
    with pytest.raises(FixSettings) as raised:
        read_key(key, now)
    assert raised.value.why
    assert raised.value.fix
    return raised.value.what


def test_what_stands_in_a_key() -> None:
    owner = pysequoia.Tsk.generate("Partner <files@partner.example>", validity_seconds=86_400)
    found = read_key(public(owner), NOW)
    assert re.fullmatch(r"[0-9A-F]{40}", found.fingerprint)
    assert found.owners == ("Partner <files@partner.example>",)
    assert found.expires is not None
    assert refused(public(owner), found.expires + timedelta(seconds=1)) == "This key has expired."


def test_its_owner_reads_the_file_and_the_plain_one_is_gone(tmp_path: Path) -> None:
    owner = pysequoia.Tsk.generate("p")
    content = os.urandom(3_000_000)
    source = tmp_path / "part-1.csv"
    source.write_bytes(content)
    encrypted = Encryption(public(owner), NOW).encrypt(source)
    assert [path.name for path in tmp_path.iterdir()] == ["part-1.csv.pgp"]
    assert content[:100] not in encrypted.read_bytes()
    assert encrypted.stat().st_size < 1.01 * len(content)
    back = tmp_path / "back"
    pysequoia.decrypt_file(str(encrypted), str(back), owner.decryptor())
    assert back.read_bytes() == content


@pytest.mark.parametrize(
    "text", ["", "hello", "-----BEGIN PGP PUBLIC KEY BLOCK-----\nabc\n-----END PGP PUBLIC KEY BLOCK-----"]
)
def test_what_is_no_key(text: str) -> None:
    assert refused(text) == "This is no public key."


def test_a_key_that_was_cut_off() -> None:
    key = public(pysequoia.Tsk.generate("p"))
    assert refused(key[: len(key) // 2]) == "This is no public key."


def test_secret_keys_and_several_keys_are_refused() -> None:
    one, other = pysequoia.Tsk.generate("p"), pysequoia.Tsk.generate("q")
    assert refused(str(one)) == "This is a secret key."
    assert refused(public(one) + public(other)) == "There is more than one key."


def test_a_file_that_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    encryption = Encryption(public(pysequoia.Tsk.generate("p")), NOW)
    with pytest.raises(TryAgain, match="could not be encrypted") as raised:
        encryption.encrypt(tmp_path / "none.csv")
    assert "stack" not in raised.value.why.casefold()
    assert list(tmp_path.iterdir()) == []


def test_a_key_in_a_binary_file_is_the_same_key() -> None:
    key = pysequoia.Tsk.generate("p").extract_certificate()
    assert read_key(armoured(bytes(key)), NOW) == read_key(str(key), NOW)
    for other in (b"\x00\xff\x01", b"words"):
        with pytest.raises(FixSettings):
            armoured(other)


@dataclass
class Gpg:
    """GnuPG with a home of its own, whose path is short enough for its agent's socket."""

    home: Path

    def __call__(self, *arguments: str, at: str = "") -> bytes:
        clock = ["--faked-system-time", at] if at else []
        command = [GPG or "gpg", "--homedir", str(self.home), "--batch", "--yes", "--quiet", "--no-tty"]
        done = subprocess.run(
            [*command, "--pinentry-mode", "loopback", "--passphrase", "", *clock, *arguments],
            capture_output=True, timeout=60, check=True,
        )  # fmt: skip
        return done.stdout

    def key(self, name: str, at: str = "") -> str:
        """A new key that only signs; its fingerprint."""
        self("--quick-gen-key", f"{name}@partner.example", "ed25519", "cert,sign", "never", at=at)
        listed = self("--list-keys", "--with-colons", f"{name}@partner.example").decode()
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    def subkey(self, of: str, lasts: str = "never", at: str = "") -> None:
        """A new part to encrypt with."""
        self("--quick-add-key", of, "cv25519", "encr", lasts, at=at)

    def public(self, of: str) -> str:
        return self("--armor", "--export", of).decode()


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    if GPG is None or os.name == "nt":
        pytest.skip("there is no GnuPG here")
    with TemporaryDirectory(prefix="gpg", dir="/tmp") as home:
        Path(home).chmod(0o700)
        yield Gpg(Path(home))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, timeout=20, capture_output=True)


def test_gnupg_reads_what_was_encrypted(gpg: Gpg, tmp_path: Path) -> None:
    key = gpg.key("reads")
    gpg.subkey(key)
    source = tmp_path / "a.csv"
    source.write_text("Id,Name\n1,Zoë\n", "utf-8")
    encrypted = Encryption(gpg.public(key), NOW).encrypt(source)
    assert gpg("--decrypt", str(encrypted)).decode("utf-8") == "Id,Name\n1,Zoë\n"


def test_keys_whose_part_to_encrypt_does_not_hold(gpg: Gpg) -> None:
    signs = gpg.key("signs")
    assert refused(gpg.public(signs)) == "Nothing can be encrypted with this key."
    past = "20240101T000000"
    expired = gpg.key("expired", at=past)
    gpg.subkey(expired, "30d", at=past)
    assert refused(gpg.public(expired)) == "Nothing can be encrypted with this key."
    gpg.subkey(expired)  # renewed: the old part is passed over
    assert read_key(gpg.public(expired), NOW).expires is None


def test_a_revoked_key(gpg: Gpg, tmp_path: Path) -> None:
    key = gpg.key("revoked")
    gpg.subkey(key)
    certificate = (gpg.home / "openpgp-revocs.d" / f"{key}.rev").read_text("utf-8").replace(":-----BEGIN", "-----BEGIN")
    (tmp_path / "revoked.asc").write_text(certificate, "utf-8")
    gpg("--import", str(tmp_path / "revoked.asc"))
    assert refused(gpg.public(key)) == "This key was revoked."
