"""Signing in to Google Cloud Storage with a service account's key file, and what its refusals mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import storage
from google.oauth2 import service_account

from app.core.errors import FixSettings, SendoffError, SignInAgain
from app.destinations.cloud import (
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

TARGET = "Google Cloud Storage"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_SLOW = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
_FULL = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_ROLE = "Give the service account the role Storage Object Admin for the bucket."


@dataclass(frozen=True, slots=True)
class Account:
    """A bucket and the key file of a service account; `repr` shows no secret."""

    bucket: str
    endpoint: str
    settings: Settings = field(repr=False)

    @property
    def host(self) -> str:
        """The host the files go to, for sentences."""
        return urlsplit(self.endpoint).hostname or "storage.googleapis.com"

    def client(self) -> tuple[str, storage.Client, requests.Session]:
        """The service account's address, a client, and the session it sends with; raises SignInAgain."""
        credentials, project = _credentials(self.settings.secrets.get("service_account", ""))
        session = AuthorizedSession(  # type: ignore[no-untyped-call]  # Google's own
            credentials,
            max_refresh_attempts=0,
            auth_request=Request(session=trusting(requests.Session(), self.settings, sign_in=True)),
        )
        trusting(session, self.settings)
        options = ClientOptions(api_endpoint=self.endpoint) if self.endpoint else None
        client = storage.Client(project, credentials, _http=session, client_options=options)
        client._bucket_metadata_cache = None  # noqa: SLF001 - else it asks for the bucket by itself, on threads of its own, for tracing
        return str(credentials.service_account_email), client, session

    @contextmanager
    def sentences(self, doing: str) -> Iterator[None]:
        """Turn what Google's libraries raise into our errors; `doing` says what was tried (`write files`)."""
        try:
            yield
        except GoogleAPICallError as error:
            reasons = [str(each.get("reason", "")) for each in error.errors if isinstance(each, dict)]
            headers = getattr(error.response, "headers", None)
            raise self.refusal(int(error.code or 0), reasons, str(error.message), doing, headers) from None
        except (GoogleAuthError, requests.RequestException) as error:
            raise self._unanswered(error) from None

    def refusal(
        self, status: int, reasons: list[str], words: str, doing: str, headers: Mapping[str, str] | None
    ) -> SendoffError:
        """What an answer that is not ok means. Reasons: cloud.google.com, HTTP status and error codes for JSON."""
        if status == 401:
            return refused_sign_in(TARGET, "It does not accept the service account.", "Choose a valid key file again.")
        if status == 429 or _SLOW & set(reasons):
            return slow_down(TARGET, ", ".join(reasons), headers)
        if _FULL & set(reasons):
            return out_of_room(TARGET)
        if status == 403:
            return missing_right(TARGET, doing, _ROLE)
        if status == 404 and "bucket" in words.lower():
            return no_bucket(TARGET, "bucket", self.bucket)
        if status in {404, 410, 412}:
            return changed_meanwhile(TARGET)
        if status == 400 and ("crc32c" in words.lower() or "md5" in words.lower()):
            return damaged(TARGET)
        if status >= 500 or status == 408:
            return server_error(TARGET, status, headers)
        return not_understood(TARGET, ", ".join(reasons) or f"status {status}")

    def _unanswered(self, error: Exception) -> SendoffError:
        found = no_answer(TARGET, self.host, error)
        if found is not None:
            return found
        if not isinstance(error, RefreshError):
            return not_understood(TARGET, type(error).__name__)
        words = str(error)
        if "reasonable timeframe" in words:
            return wrong_clock(TARGET)
        if "account not found" in words or "disabled" in words:
            return expired(
                TARGET, "The service account was removed or disabled.", "Choose the key file of another one."
            )
        return refused_sign_in(
            TARGET,
            "The service account's key was removed, or the file is damaged.",
            "Make a new key and choose its file.",
        )


def account(settings: Settings) -> Account:
    """The bucket a connection describes; raises FixSettings."""
    bucket, endpoint = (settings.values.get(name, "").strip() for name in ("bucket", "endpoint"))
    if not _BUCKET.fullmatch(bucket):
        raise FixSettings(
            f"“{bucket}” is not the name of a bucket.",
            "Names have small letters, digits, dots, hyphens and underscores.",
            "Enter the bucket's name, without gs:// and without a folder.",
            code="bad_bucket",
        )
    if endpoint:
        checked_host(TARGET, endpoint)
    return Account(bucket, endpoint.rstrip("/"), settings)


def _credentials(text: str) -> tuple[Any, str]:
    """The credentials of a key file and its project; raises SignInAgain, which never shows what stands in it."""
    try:
        info = json.loads(text)
        credentials = service_account.Credentials.from_service_account_info(info, scopes=[_SCOPE])  # type: ignore[no-untyped-call]  # Google's own
        return credentials, str(info.get("project_id", "-"))
    except (ValueError, TypeError, AttributeError, GoogleAuthError):
        raise SignInAgain(
            "The key file is not usable.",
            "It is not the JSON key of a Google service account, or it is damaged.",
            "Make a key for the service account in the Google Cloud console and choose its file.",
            code="bad_key_file",
        ) from None
