"""Signing in to S3: keys, a profile of this computer, and a role to assume with either."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3.session
import botocore.session
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader, create_loader
from botocore.utils import get_environ_proxies

from app.core.errors import FixSettings, SignInAgain
from app.destinations.amazon_s3.sentences import unanswered, what_was_answered
from app.destinations.cloud import CONNECT_SECONDS, READ_SECONDS, system_certificates
from app.destinations.contract import Exchange, Settings
from app.destinations.http import checked_host
from app.destinations.speed import MOST_PARALLEL
from app.jobs import Cancelled
from app.version import VERSION

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Account:
    """A bucket and how to sign in to it; `repr` shows no secret. `who` is how the test names the sign-in."""

    bucket: str
    region: str
    endpoint: str
    profile: str
    key_id: str
    role: str
    external_id: str
    key: str = field(repr=False)
    settings: Settings = field(repr=False)

    @property
    def host(self) -> str:
        """The host the files go to, for sentences."""
        return urlsplit(self.endpoint).hostname or f"s3.{self.region}.amazonaws.com"

    @property
    def target(self) -> str:
        """The store, as sentences name it."""
        return self.host if self.endpoint else "Amazon S3"

    @property
    def who(self) -> str:
        """What signs in, without a secret."""
        base = f"the profile {self.profile}" if self.profile else f"the access key {self.key_id}"
        return f"the role {self.role}" if self.role else base

    def client(self) -> Any:  # noqa: ANN401 - boto3 makes its clients while it runs, so that they have no types
        """A client for S3; raises FixSettings or SignInAgain."""
        with self.sentences("sign in"):
            base = self._session()
            session = self._in_role(base) if self.role else base
            return self._trusting(session.client("s3", endpoint_url=self.endpoint or None, config=self._config()))

    @contextmanager
    def sentences(self, doing: str) -> Iterator[None]:
        """Turn what boto3 raises into our errors; `doing` says what was tried (`write files`)."""
        try:
            yield
        except ClientError as error:
            raise what_was_answered(error, self.target, self.bucket, doing) from None
        except BotoCoreError as error:
            if isinstance(cancelled := error.kwargs.get("error"), Cancelled):  # raised while a part was read
                raise cancelled from None
            raise unanswered(error, self.target, self.host) from None

    def _session(self) -> boto3.session.Session:
        keys = {} if self.profile else {"aws_access_key_id": self.key_id, "aws_secret_access_key": self.key}
        try:
            return _quick(botocore.session.Session(), self.region, profile_name=self.profile or None, **keys)
        except ProfileNotFound:
            raise FixSettings(
                f"There is no profile “{self.profile}” on this computer.",
                "Profiles stand in the files config and credentials in the folder .aws.",
                "Correct the profile's name in the connection, or make it with the AWS command line.",
                code="no_profile",
            ) from None

    def _in_role(self, base: boto3.session.Session) -> boto3.session.Session:
        """A session in the role, which is assumed when first used and again before its time is over."""
        made = base.client("sts", endpoint_url=self.endpoint or None, config=self._config())
        service = self._trusting(made, sign_in=True)
        asked = {"RoleArn": self.role, "RoleSessionName": "sendoff"}
        if self.external_id:
            asked["ExternalId"] = self.external_id

        def assume() -> Mapping[str, str]:
            with self.sentences("assume the role"):
                given = service.assume_role(**asked)["Credentials"]
            return {
                "access_key": given["AccessKeyId"],
                "secret_key": given["SecretAccessKey"],
                "token": given["SessionToken"],
                "expiry_time": given["Expiration"].isoformat(),
            }

        inner = botocore.session.Session()
        inner.register_component("credential_provider", CredentialResolver([_Assumed(assume)]))
        return _quick(inner, self.region)

    def _config(self) -> Config:
        """One attempt for each call, because ours are repeated with patience; what is sent is signed with its SHA-256.

        That every store takes and compares, with TLS and without; the newer checksums only some.
        """
        return Config(
            retries={"total_max_attempts": 1},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=MOST_PARALLEL,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if self.endpoint else "auto", "payload_signing_enabled": True},
            user_agent_extra=f"Sendoff/{VERSION}",
        )

    def _trusting(self, client: Any, *, sign_in: bool = False) -> Any:  # noqa: ANN401 - see `client`
        """The client, sending through our session; botocore has no public way to give it one."""
        client._endpoint.http_session = _Session(self.settings, client.meta.endpoint_url, sign_in=sign_in)  # noqa: SLF001 - no other place takes it
        return client


class _Assumed(CredentialProvider):
    """Credentials of a role for botocore, which renews them by itself."""

    METHOD = "sendoff-assume-role"
    CANONICAL_NAME = METHOD

    def __init__(self, assume: Callable[[], Mapping[str, str]]) -> None:
        super().__init__()
        self._assume = assume

    def load(self) -> DeferredRefreshableCredentials:
        """See botocore."""
        return DeferredRefreshableCredentials(refresh_using=self._assume, method=self.METHOD)


class _Session(URLLib3Session):
    """botocore's own session with the system's certificates, each exchange noted in the ledger."""

    def __init__(self, settings: Settings, endpoint: str, *, sign_in: bool) -> None:
        self._settings = settings
        self._sign_in = sign_in
        super().__init__(
            proxies=get_environ_proxies(endpoint),
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            max_pool_connections=MOST_PARALLEL,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # as botocore does where it makes its own
        )

    def _get_ssl_context(self) -> Any:  # noqa: ANN401 - as botocore has it
        return system_certificates()

    def send(self, request: AWSPreparedRequest) -> Any:  # noqa: ANN401 - as botocore has it
        """See botocore."""
        received, answered = 0, False
        try:
            answer = super().send(request)
            received, answered = _length(answer.headers), True
            return answer
        finally:
            host = urlsplit(request.url).hostname or ""
            sent = _length(request.headers) + len(request.url)
            self._settings.ledger(Exchange(host, sent, received, sign_in=self._sign_in, answered=answered))


@cache
def _descriptions() -> Loader:
    """Amazon's own descriptions of its services; each session would else read 2 MB of them anew, and stall all threads."""
    return create_loader()


def _quick(inner: botocore.session.Session, region: str, **more: str | None) -> boto3.session.Session:
    """A session with those descriptions; boto3 adds a path to the loader it finds, so that it gets ours only after that."""
    session = boto3.session.Session(botocore_session=inner, region_name=region, **more)
    inner.register_component("data_loader", _descriptions())
    return session


def account(settings: Settings) -> Account:
    """The bucket a connection describes; raises FixSettings or SignInAgain."""
    values = {name: value.strip() for name, value in settings.values.items()}
    bucket, endpoint = values.get("bucket", ""), values.get("endpoint", "").rstrip("/")
    if not _BUCKET.fullmatch(bucket):
        raise FixSettings(
            f"“{bucket}” is not the name of a bucket.",
            "Names have 3 to 63 small letters, digits, dots and hyphens.",
            "Enter the bucket's name, without s3:// and without a folder.",
            code="bad_bucket",
        )
    if endpoint:
        checked_host("The store", endpoint)
    by_profile = values.get("sign_in", "keys") == "profile"
    key_id, key = values.get("access_key_id", ""), settings.secrets.get("secret_access_key", "").strip()
    if by_profile and not values.get("profile"):
        raise FixSettings(
            "The connection is not complete.", "The profile has no name.", "Enter the profile.", code="incomplete"
        )
    if not by_profile and not (key_id and key):
        raise SignInAgain(
            "The connection is not complete.",
            "An access key has an ID and a secret.",
            "Enter both in the connection.",
            code="incomplete",
        )
    return Account(
        bucket=bucket,
        region=values.get("region", "") or "us-east-1",
        endpoint=endpoint,
        profile=values.get("profile", "") if by_profile else "",
        key_id=key_id,
        role=values.get("role_arn", ""),
        external_id=values.get("external_id", ""),
        key=key,
        settings=settings,
    )


def _length(headers: Mapping[str, object]) -> int:
    """The bytes of a message: its headers and the body they announce."""
    texts = {_text(name).lower(): _text(value) for name, value in headers.items()}
    body = texts.get("content-length", "0")
    return (int(body) if body.isdigit() else 0) + sum(len(name) + len(text) + 4 for name, text in texts.items())


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
