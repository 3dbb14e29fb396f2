"""What the errors of a connection and of a server's file system mean for a person."""

from __future__ import annotations

import asyncio
import errno
import socket

import asyncssh

from app.core.errors import FixSettings, SendoffError, SignInAgain, TellUs, TryAgain

_AGAIN = "Check the connection to the server, then try again."


def not_connected(error: BaseException, where: str, seconds: float) -> SendoffError:
    """Why no connection came about."""
    if isinstance(error, socket.gaierror):
        return TryAgain(
            f"The server {where} cannot be found.",
            "No address is known for this name: it is wrong, or there is no network.",
            "Check the host and the network, then try again.",
            code="dns",
        )
    if isinstance(error, ConnectionRefusedError):
        return TryAgain(
            f"The server {where} does not answer.",
            "It refused the connection: no SFTP server listens on this port.",
            "Check host and port, then try again.",
            code="refused",
        )
    if isinstance(error, TimeoutError | asyncssh.TimeoutError):
        return TryAgain(
            f"The server {where} does not answer.",
            f"The connection was not made within {seconds:.0f} seconds; a firewall may be in between.",
            "Check host, port and firewall, then try again.",
            code="connect_timeout",
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return FixSettings(
            f"No safe connection to {where} is possible.",
            "The server offers only encryption that is too old.",
            "Ask the owner of the server to update it.",
            code="no_common_encryption",
        )
    if isinstance(error, asyncssh.ChannelOpenError):
        return FixSettings(
            f"The server {where} offers no SFTP.",
            "The sign-in worked, but the server does not allow file transfer to this user.",
            "Ask the owner of the server to allow SFTP.",
            code="no_sftp",
        )
    if isinstance(error, asyncssh.ConnectionLost | ConnectionResetError | BrokenPipeError):
        return TryAgain(
            f"The connection to {where} broke.",
            "The server or the network ended it before the sign-in was done.",
            "Check host and port, then try again.",
            code="reset",
        )
    if isinstance(error, asyncssh.DisconnectError):
        return FixSettings(
            f"The server {where} ended the connection.",
            "It may not be an SFTP server, or does not let this user in from here.",
            "Check host, port and user name.",
            code="disconnected",
        )
    return TryAgain(
        f"The server {where} cannot be reached.", "There is no way to it from here.", _AGAIN, code="unreachable"
    )


def not_signed_in(where: str, user: str, *, by_key: bool) -> SignInAgain:
    """The server refused the user."""
    proof = "key" if by_key else "password"
    fix = (
        "Check the user name, and that the public half of the key stands on the server."
        if by_key
        else "Check the user name and enter the password again."
    )
    return SignInAgain(
        f"The server {where} does not accept the sign-in.",
        f"It refused the {proof} of {user}.",
        fix,
        code="refused_sign_in",
    )


def not_done(error: BaseException, path: str, where: str) -> SendoffError:
    """Why something with a file or folder on the server failed."""
    if isinstance(error, asyncssh.SFTPPermissionDenied | asyncssh.SFTPWriteProtect):
        return FixSettings(
            f"“{path}” cannot be changed on {where}.",
            "The server does not allow it to this user.",
            "Choose another folder, or ask the owner of the server for the right to write and remove there.",
            code="not_writable",
        )
    if isinstance(error, asyncssh.SFTPNoSpaceOnFilesystem | asyncssh.SFTPQuotaExceeded) or _is_full(error):
        return TryAgain(
            f"{where} is full.",
            "There is no room left for this user. Nothing was replaced.",
            "Free some space there, then run the export again.",
            code="disk_full",
        )
    if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath | asyncssh.SFTPNotADirectory):
        return TryAgain(
            f"“{path}” is not there on {where}.",
            "It was removed meanwhile, or a part of its path is a file.",
            "Check the folder of the connection, then try again.",
            code="missing",
        )
    if isinstance(error, asyncssh.SFTPInvalidFilename):
        return FixSettings(
            f"“{path}” cannot be used as a name on {where}.",
            "The server does not take it.",
            "Change the folder or file name in the export's layout.",
            code="bad_name",
        )
    if isinstance(error, asyncssh.SFTPFailure):
        return TryAgain(
            f"“{path}” could not be written on {where}.",
            "The server gives no reason; often its drive or the user's quota is full. Nothing was replaced.",
            "Ask the owner of the server, then run the export again.",
            code="server_failure",
        )
    if isinstance(error, asyncio.TimeoutError | TimeoutError):
        return TryAgain(
            f"The connection to {where} stands still.",
            "The server took nothing for a minute. Nothing was replaced.",
            _AGAIN,
            code="stalled",
        )
    if isinstance(error, asyncssh.SFTPError | asyncssh.Error | OSError):
        return TryAgain(
            f"The connection to {where} broke.",
            "The server or the network ended it. Nothing was replaced.",
            "Run the export again; what was sent half is removed or replaced then.",
            code="reset",
        )
    return TellUs(
        "Something unexpected went wrong.",
        f"The fault is a {type(error).__name__} while writing to {where}.",
        "Try again; when it comes back, send us the log.",
        code="unexpected",
    )


def _is_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
