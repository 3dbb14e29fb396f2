"""What the dialog of a connection says: head, consent, results."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from PySide6.QtCore import QCoreApplication

from app.core.connections import ChangedHostKey, Connection, TestResult, UnknownHostKey
from app.core.errors import SendoffError
from app.destinations.description import Description
from app.ui.formats import Formats
from app.ui.pages.connections.words import limit_words


@dataclass(frozen=True)
class ResultNote:
    """A note in the dialog; `button` are the words of its button, if any."""

    tone: Literal["success", "warning", "danger"]
    sentence: str
    detail: str = ""
    button: str = ""


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("ConnectionDialogWords", text)


def head_words(description: Description, host_key: str, formats: Formats) -> str:
    """Second line of the head: the trusted server's fingerprint, or what the target takes."""
    fingerprint = _fingerprint(host_key)
    if fingerprint:
        return tr("Server fingerprint {fingerprint}, trusted").format(fingerprint=_short(fingerprint))
    return limit_words(description, formats)


def in_a_sentence(label: str) -> str:
    """A label in the middle of a sentence: "access token", but "API key"."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def access_hint(description: Description) -> str:
    """What sharing means."""
    if description.secret_fields and description.category != "practice":
        return tr("They can build exports with it. They never see the secret.")
    return tr("They can build exports with it.")


def consent_words(description: Description, connection: Connection | None, formats: Formats) -> tuple[str, str]:
    """The sentence to agree to, and below it what leaves, on whose instruction, and who answers for it."""
    name = description.name
    if description.category == "practice":
        sentence = tr("I agree that data sent with this connection leaves the workspace for this folder.")
        detail = tr(
            "It may hold personal data and stays on this computer, in a small database and in CSV files. You answer for who can "
            "open the folder. Removing the connection leaves the folder as it is."
        )
    elif description.secret_fields:
        sentence = tr(
            "I agree that data sent with this connection leaves this computer and is handled under the terms of {name}."
        )
        if description.category == "storage":
            sentence = tr(
                "I agree that data sent with this connection leaves this computer and is handled under the terms of whoever "
                "runs the server."
            )
        detail = tr(
            "It may hold personal data. It is sent on your instruction; you answer for the consent of the people in it and for "
            "the choice of the recipient. Removing the connection stops it."
        )
    else:
        sentence = tr("I agree that data sent with this connection leaves the workspace for this folder.")
        detail = tr(
            "The files may hold personal data. They are written on your instruction; you answer for the consent of the people "
            "in them and for who can open the folder. Removing the connection stops it."
        )
    sentence, detail = sentence.format(name=name), detail.format(name=name)
    if connection is not None:
        agreed = tr("Agreed by {person}, {when}.")
        when = formats.full_date(connection.consent.at)
        detail = f"{detail} {agreed.format(person=connection.consent.by, when=when)}"
    return sentence, detail


def succeeded(result: TestResult, formats: Formats) -> ResultNote:
    """A test that passed: what was reached, in what time, and which rights the sign-in has."""
    sentence = tr("Connected to “{place}” in {time}").format(
        place=result.reached, time=formats.duration(result.milliseconds / 1000)
    )
    parts = []
    if result.rights:
        parts.append(tr("It may {rights}.").format(rights=_listed(result.rights)))
    if result.missing_rights:
        parts.append(
            tr("It may not {rights}; exports that need this will fail.").format(rights=_listed(result.missing_rights))
        )
    return ResultNote("warning" if result.missing_rights else "success", sentence, " ".join(parts))


def refused(error: SendoffError) -> ResultNote:
    """A test that failed, with the button to trust an unknown server."""
    detail = f"{error.why} {error.fix}".strip()
    if isinstance(error, UnknownHostKey):
        return ResultNote("warning", error.what, detail, tr("Trust this server"))
    if isinstance(error, ChangedHostKey):
        return ResultNote("danger", error.what, detail)
    return ResultNote("danger", tr("Not connected. {what}").format(what=error.what.rstrip(".")), detail)


def _listed(words: tuple[str, ...]) -> str:
    if len(words) == 1:
        return words[0]
    return tr("{some} and {last}").format(some=", ".join(words[:-1]), last=words[-1])


def _fingerprint(host_key: str) -> str:
    """The SHA-256 form that `ssh-keygen -l` shows of a key in OpenSSH's one-line form; empty for anything else."""
    parts = host_key.split()
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (IndexError, binascii.Error):
        return ""
    return f"SHA256:{base64.b64encode(sha256(blob).digest()).decode().rstrip('=')}"


def _short(fingerprint: str) -> str:
    return f"{fingerprint[:12]}…{fingerprint[-4:]}"
