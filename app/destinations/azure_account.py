"""Signing in to an Azure storage account, and what its refusals mean: shared by the destinations that store files there."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from azure.core.credentials import AccessToken, AzureNamedKeyCredential, AzureSasCredential, TokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential

from app.core.errors import FixSettings, SendoffError, SignInAgain
from app.destinations.cloud import (
    CONNECT_SECONDS,
    READ_SECONDS,
    changed_meanwhile,
    damaged,
    expired,
    missing_right,
    no_answer,
    no_bucket,
    not_understood,
    out_of_room,
    refused_sign_in,
    server_error,
    slow_down,
    trusting,
    wrong_clock,
)
from app.destinations.contract import Settings
from app.destinations.http import checked_host
from app.destinations.registry import description
from app.destinations.signin import SignedIn

Credential = AzureNamedKeyCredential | AzureSasCredential | TokenCredential

_MICROSOFT = "https://login.microsoftonline.com"
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"\$root|[a-z0-9](?:-?[a-z0-9]){2,62}")
_ASK_AGAIN = 60  # seconds; the libraries keep a token that lasts longer than five minutes
_ROLE = (
    "Give it the role Storage Blob Data Contributor, or a shared access signature with read, write, delete and list."
)
_NEW_SAS = "Make a new shared access signature in Azure and enter it in the connection."


@dataclass(frozen=True, slots=True)
class Account:
    """A storage account as a connection describes it; `repr` shows no secret.

    `url` is the address of the service, `target` how sentences name the account, `who` how the test names the sign-in.
    """

    name: str
    url: str
    container: str
    who: str
    target: str
    credential: Credential = field(repr=False)
    settings: Settings = field(repr=False)

    @property
    def host(self) -> str:
        """The host of the account's service."""
        return urlsplit(self.url).hostname or ""

    @property
    def address(self) -> str:
        """The container as people and other programs know it."""
        return f"{self.url}/{self.container}"

    def client_options(self) -> dict[str, Any]:
        """What every client of the Azure libraries gets: our session, one attempt for each call, our timeouts."""
        return {**_transport(self.settings), "credential": self.credential}

    @property
    def plain_credential(self) -> Credential | str:
        """The credential for the lake's client, which renames with a signature only when it holds it as a text."""
        return self.credential.signature if isinstance(self.credential, AzureSasCredential) else self.credential

    def signed(self, url: str) -> str:
        """An address of the account as the service itself can read it; it holds the signature, so it is shown to nobody."""
        return f"{url}?{self.credential.signature}" if isinstance(self.credential, AzureSasCredential) else url

    @contextmanager
    def sentences(self, doing: str) -> Iterator[None]:
        """Turn what the Azure libraries raise into our errors; `doing` says what was tried (`write files`)."""
        try:
            yield
        except AzureError as error:
            raise self._sentence(error, doing) from None  # its text may hold the address with the signature

    def _sentence(self, error: AzureError, doing: str) -> SendoffError:
        if isinstance(error, HttpResponseError) and error.response is not None:
            return self._refusal(error, doing)
        found = no_answer(self.target, self.host, error)  # first: the sign-in wraps a broken connection too
        if found is None and isinstance(error, ClientAuthenticationError):
            return _not_signed_in(self.target, error.message)
        return found or not_understood(self.target, type(error).__name__)

    def _refusal(self, error: HttpResponseError, doing: str) -> SendoffError:
        """What an answer that is not ok means. Codes: learn.microsoft.com, Blob service error codes."""
        code, status = error_code(error), error.status_code or 0
        if code in _SIGN_IN:
            return self._refused(code, error.message, doing)
        if code in _CHANGED:
            return changed_meanwhile(self.target)
        if code in _NO_CONTAINER:
            return no_bucket(self.target, "container", self.container)
        if (known := _KNOWN.get(code)) is not None:
            return FixSettings(f"{self.target} does not take this.", *known, code=code)
        if code == "ServerBusy" or status == 429:
            return slow_down(self.target, code, _headers(error))
        if "md5" in f"{code} {error.message}".lower():
            return damaged(self.target)
        return self._by_status(error, code, status, doing)

    def _by_status(self, error: HttpResponseError, code: str, status: int, doing: str) -> SendoffError:
        if status == 403:
            return missing_right(self.target, doing, _ROLE)
        if status == 401 or isinstance(error, ClientAuthenticationError):
            return self._person_refused() if self._by_person else _not_signed_in(self.target, error.message)
        if status == 507 or code == "InsufficientSpace":
            return out_of_room(self.target)
        if status >= 500:
            return server_error(self.target, status, _headers(error))
        return not_understood(self.target, code or f"status {status}")

    def _refused(self, code: str, message: str, doing: str) -> SendoffError:
        if isinstance(self.credential, AzureSasCredential):
            if "time frame" in message or _is_expired(self.credential.signature):
                return expired(self.target, "The shared access signature is not valid at this time.", _NEW_SAS)
            if code == "AuthorizationFailure":
                return missing_right(self.target, doing, _ROLE)
            return refused_sign_in(self.target, "It does not accept the shared access signature.", _NEW_SAS)
        if "date header" in message or "x-ms-date" in message:
            return wrong_clock(self.target)
        if isinstance(self.credential, AzureNamedKeyCredential):
            return refused_sign_in(
                self.target,
                "The key does not belong to this account, was replaced there, or the account lets in only known networks.",
                "Copy one of the account's two access keys from Azure and enter it again.",
            )
        if self._by_person and code != "AuthorizationFailure":
            return self._person_refused()
        return missing_right(self.target, doing, _ROLE)

    @property
    def _by_person(self) -> bool:
        return isinstance(self.credential, Person)

    def _person_refused(self) -> SendoffError:
        return refused_sign_in(
            self.target,
            "It does not take the Microsoft account that signed in.",
            "Check the tenant, then sign in again in the connection.",
        )


class Person:
    """A person's sign-in with Microsoft as a credential of the Azure libraries; thread safe.

    `get_token` raises as `TokenDesk.renewed`, SignInAgain when the person is wanted.
    """

    def __init__(self, access: SignedIn) -> None:
        self._access = access

    def get_token(
        self,
        *_scopes: str,
        claims: str | None = None,  # noqa: ARG002 - the protocol's name
        tenant_id: str | None = None,  # noqa: ARG002 - the protocol's name
        enable_cae: bool = False,  # noqa: ARG002 - the protocol's name
        **_options: Any,  # noqa: ANN401 - the protocol's
    ) -> AccessToken:
        """The token as it is now, renewed when it ends soon; to be asked for anew with each request."""
        self._access.renew()
        token = self._access.headers()["Authorization"].removeprefix("Bearer ")
        return AccessToken(token, int(time.time()) + _ASK_AGAIN)


def account(settings: Settings, service: str, target: str) -> Account:
    """The account a connection describes; `service` is `blob` or `dfs`. Raises FixSettings or SignInAgain."""
    values = settings.values
    name, container = values.get("account", "").strip(), values.get("container", "").strip()
    if not _ACCOUNT.fullmatch(name):
        raise FixSettings(
            f"“{name}” is not the name of a storage account.",
            "Names have 3 to 24 small letters and digits.",
            "Enter the account's name as it stands in Azure, without .blob.core.windows.net.",
            code="bad_account",
        )
    if not _CONTAINER.fullmatch(container):
        raise FixSettings(
            f"“{container}” is not the name of a container.",
            "Names have 3 to 63 small letters, digits and single hyphens.",
            "Enter the container's name as it stands in Azure.",
            code="bad_container",
        )
    url = values.get("endpoint", "").strip().rstrip("/") or f"https://{name}.{service}.core.windows.net"
    checked_host(target, url)
    who, credential = _credential(settings, name, target)
    return Account(name, url, container, who, f"{target} account {name}", credential, settings)


def _credential(settings: Settings, name: str, target: str) -> tuple[str, Credential]:
    values, secrets = settings.values, settings.secrets
    way = values.get("sign_in", "account_key")
    if way == "sas":
        token = secrets.get("sas", "").strip()
        token = token.partition("?")[2] or token
        if "sig=" not in token:
            raise SignInAgain(
                "The shared access signature is not complete.",
                "It must hold “sig=”.",
                "Copy the whole SAS token from Azure and enter it again.",
                code="bad_sas",
            )
        if _is_expired(token):
            raise expired(target, "The shared access signature's time is over.", _NEW_SAS)
        return "a shared access signature", AzureSasCredential(token)
    if way == "microsoft":
        return "a Microsoft account", Person(_signed_in(settings, target))
    if way == "service_principal":
        tenant, client = values.get("tenant_id", "").strip(), values.get("client_id", "").strip()
        secret = secrets.get("client_secret", "").strip()
        if not tenant or not client or not secret:
            raise FixSettings(
                "The connection is not complete.",
                "A service principal has a tenant, a client ID and a client secret.",
                "Enter all three in the connection.",
                code="incomplete",
            )
        authority = values.get("authority", "").strip()
        other = authority not in {"", _MICROSOFT}
        own = {"authority": authority, "disable_instance_discovery": True} if other else {}
        return f"the application {client}", ClientSecretCredential(
            tenant, client, secret, **own, **_transport(settings, sign_in=True)
        )
    key = secrets.get("account_key", "").strip()
    try:
        if not base64.b64decode(key, validate=True):
            raise binascii.Error
    except binascii.Error:
        raise SignInAgain(
            "The account key is not complete.",
            "It has 88 letters, digits and signs, and ends with “==”.",
            "Copy one of the account's two access keys from Azure and enter it again.",
            code="bad_key",
        ) from None
    return "the account key", AzureNamedKeyCredential(name, key)


def _signed_in(settings: Settings, target: str) -> SignedIn:
    values = {
        "authority": _MICROSOFT,
        **{key: value.strip() for key, value in settings.values.items() if value.strip()},
    }
    spec = description("azure-blob").sign_in  # the one all destinations in Azure have
    if spec is None or not values.get("tenant_id") or not values.get("client_id"):
        raise FixSettings(
            "The connection is not complete.",
            "Signing in with Microsoft needs a tenant and the client ID of an app your company registered there.",
            "Enter both in the connection.",
            code="incomplete",
        )
    checked_host(target, values["authority"])
    secrets = {spec.field_id: settings.secrets.get(spec.field_id, "")}  # a public client has no secret of its own
    return SignedIn(target, spec, replace(settings, values=values, secrets=secrets))


def _transport(settings: Settings, *, sign_in: bool = False) -> dict[str, Any]:
    return {
        "transport": RequestsTransport(session=trusting(requests.Session(), settings, sign_in=sign_in)),
        "retry_total": 0,
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
    }


def _is_expired(token: str) -> bool:
    """Whether a shared access signature says that its time is over."""
    try:
        end = datetime.fromisoformat(parse_qs(token).get("se", [""])[0])
    except ValueError:
        return False
    return (end if end.tzinfo else end.replace(tzinfo=UTC)) < datetime.now(UTC)


def _not_signed_in(target: str, words: str) -> SendoffError:
    """What Microsoft's sign-in says about an application. Codes: learn.microsoft.com, Microsoft Entra error codes."""
    if "AADSTS7000222" in words:
        return expired(target, "The client secret's time is over.", "Make a new client secret in Microsoft Entra.")
    why = next((why for code, why in _ENTRA.items() if code in words), "Microsoft refused the application.")
    return refused_sign_in(target, why, "Check tenant, client ID and client secret, and enter the secret again.")


def error_code(error: HttpResponseError) -> str:
    """The service's own name for what went wrong, such as `BlobNotFound`."""
    found = getattr(error, "error_code", None)
    return str(getattr(found, "value", found) or _headers(error).get("x-ms-error-code", ""))


def _headers(error: HttpResponseError) -> Mapping[str, str]:
    found: Mapping[str, str] = getattr(error.response, "headers", {})
    return found


_SIGN_IN = frozenset({"AuthenticationFailed", "AuthorizationFailure", "InvalidAuthenticationInfo"})
_CHANGED = frozenset({"InvalidBlockList", "BlobNotFound", "PathNotFound", "ConditionNotMet"})
_NO_CONTAINER = frozenset({"ContainerNotFound", "ContainerBeingDeleted", "FilesystemNotFound"})
_KNOWN = {
    "AccountIsDisabled": ("The account is disabled.", "Have it enabled in Azure."),
    "LeaseIdMissing": ("A file is leased by another program.", "End the lease in Azure, or choose another folder."),
    "BlobImmutableDueToPolicy": (
        "The container keeps every file as it was first written.",
        "Let the export keep earlier runs, with date and time in its folder.",
    ),
    "InvalidBlobOrBlock": (
        "Another program left an unfinished upload under the same name.",
        "Choose another folder or file name, or remove it in Azure.",
    ),
    "InvalidResourceName": ("A name holds signs that are not allowed.", "Change the names in the export's layout."),
}
_ENTRA = {
    "AADSTS7000215": "The client secret is wrong.",
    "AADSTS700016": "There is no application with this client ID in the tenant.",
    "AADSTS90002": "There is no such tenant.",
}
