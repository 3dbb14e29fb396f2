"""Reads private keys for signing in, and the server's public key a person has trusted."""

from __future__ import annotations

import asyncssh

from app.core.errors import FixSettings, SignInAgain

_PUBLIC = ("ssh-", "ecdsa-", "sk-", "---- BEGIN SSH2 PUBLIC KEY", "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY")


def private_key(text: str, passphrase: str) -> asyncssh.SSHKey:
    """Read a key in OpenSSH, PEM (PKCS #1) or PKCS #8 form.

    Raises FixSettings for another format, SignInAgain when the passphrase is missing or does not open the key. No error
    holds a part of the key.
    """
    _check_format(text.strip())
    try:
        return asyncssh.import_private_key(text.strip() + "\n", passphrase or None)
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError) as error:
        words = str(error).lower()
    if "bcrypt" in words:
        raise FixSettings(
            "The private key could not be opened.",
            "Its passphrase protects it in OpenSSH's own way, for which the Python package “bcrypt” is missing here.",
            "Install bcrypt where Sendoff runs, or save a copy of the key with: ssh-keygen -p -m PKCS8 -f COPY",
            code="bcrypt_missing",
        )
    if "must be specified" in words:
        raise SignInAgain(
            "The private key could not be opened.",
            "It is protected by a passphrase, and none was entered.",
            "Enter the key's passphrase.",
            code="passphrase_missing",
        )
    if passphrase and ("decrypt" in words or "passphrase" in words):
        raise SignInAgain(
            "The private key could not be opened.",
            "The passphrase doesn't open this key.",
            "Check Caps Lock, then enter the passphrase again.",
            code="passphrase_wrong",
        )
    raise _not_readable("It is damaged, or of a kind this version does not know.")


def public_key(line: str) -> asyncssh.SSHKey:
    """Read a trusted server key in OpenSSH's one-line form; raises FixSettings when it is not one."""
    try:
        return asyncssh.import_public_key(line.strip())
    except asyncssh.KeyImportError as error:
        raise FixSettings(
            "The trusted key of the server cannot be read.",
            "It is not in the one-line form of OpenSSH.",
            "Empty the field under Advanced and test the connection, then trust the server anew.",
            code="bad_host_key",
        ) from error


def _check_format(text: str) -> None:
    if not text:
        raise SignInAgain(
            "The private key is missing.",
            "It is not stored on this computer.",
            "Choose the key file again.",
            code="secret_missing",
        )
    if text.startswith("PuTTY-User-Key-File"):
        raise FixSettings(
            "The private key could not be opened.",
            "It is a PuTTY key (.ppk).",
            "In PuTTYgen load it and choose Conversions, Export OpenSSH key; then choose the exported file here.",
            code="putty_key",
        )
    if text.startswith("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY"):
        raise FixSettings(
            "The private key could not be opened.",
            "It is an SSH.COM key.",
            "Convert it with: ssh-keygen -i -f OLD > NEW",
            code="ssh_com_key",
        )
    if text.startswith(_PUBLIC):
        raise FixSettings(
            "This is not a private key.",
            "The file holds the public half, which belongs on the server.",
            "Choose the file without .pub at the end.",
            code="public_half",
        )
    if "PRIVATE KEY-----" not in text:
        raise _not_readable("The file does not look like a key: it has no line “BEGIN … PRIVATE KEY”.")


def _not_readable(why: str) -> FixSettings:
    return FixSettings(
        "The private key could not be opened.", why, "Choose a key file in OpenSSH or PEM form.", code="bad_private_key"
    )
