"""What the clouds' refusals and broken connections mean, where no server of the tests gives them."""

from __future__ import annotations

import base64
import re
import socket
import ssl
from types import SimpleNamespace

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from botocore.exceptions import ClientError
from google.api_core.exceptions import from_http_status

from app.core.errors import FixSettings, NotAllowed, SendoffError, SignInAgain, TryAgain
from app.destinations import azure_account, cloud
from app.destinations.amazon_s3.sentences import what_was_answered
from app.destinations.cloud import no_answer
from app.destinations.contract import Settings
from app.destinations.google_cloud_storage import account as google
from app.destinations.objects import PART, part_size
from app.destinations.registry import description
from app.destinations.speed import MOST_PARALLEL, Speed


class TestS3:
    @pytest.mark.parametrize(
        ("code", "status", "kind", "meant"),
        [
            ("RequestTimeTooSkewed", 403, FixSettings, "clock_skew"),
            ("ExpiredToken", 400, SignInAgain, "expired"),
            ("SlowDown", 503, TryAgain, "slow_down"),
            ("TooManyRequests", 429, TryAgain, "slow_down"),
            ("PermanentRedirect", 301, FixSettings, "other_region"),
            ("AuthorizationHeaderMalformed", 400, FixSettings, "other_region"),
            ("QuotaExceeded", 403, TryAgain, "disk_full"),
            ("BadDigest", 400, TryAgain, "damaged"),
            ("NoSuchUpload", 404, TryAgain, "changed_meanwhile"),
            ("RequestTimeout", 400, TryAgain, "timeout"),
            ("InternalError", 500, TryAgain, "server_error"),
            ("AccessDenied", 403, NotAllowed, "missing_right"),
            ("SomethingNew", 400, SendoffError, "unexpected_answer"),
        ],
    )
    def test_answers(self, code: str, status: int, kind: type[SendoffError], meant: str) -> None:
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        error = what_was_answered(ClientError(answer, "UploadPart"), "Amazon S3", "exports", "write files")
        assert isinstance(error, kind)
        assert error.code == meant
        assert all((error.what, error.why, error.fix))


class TestAzure:
    @pytest.mark.parametrize(
        ("code", "status", "words", "meant"),
        [
            ("AuthenticationFailed", 403, "The x-ms-date header is too old", "clock_skew"),
            ("AuthenticationFailed", 403, "", "refused_sign_in"),
            ("AuthorizationPermissionMismatch", 403, "", "missing_right"),
            ("KeyBasedAuthenticationNotPermitted", 403, "", "missing_right"),
            ("ServerBusy", 503, "", "slow_down"),
            ("ContainerBeingDeleted", 409, "", "no_bucket"),
            ("BlobImmutableDueToPolicy", 409, "", "BlobImmutableDueToPolicy"),
            ("LeaseIdMissing", 412, "", "LeaseIdMissing"),
            ("Md5Mismatch", 400, "", "damaged"),
            ("InvalidBlockList", 400, "", "changed_meanwhile"),
            ("InternalError", 500, "", "server_error"),
            ("", 507, "", "disk_full"),
            ("SomethingNew", 400, "", "unexpected_answer"),
        ],
    )
    def test_answers(self, code: str, status: int, words: str, meant: str) -> None:
        response = SimpleNamespace(status_code=status, headers={"x-ms-error-code": code}, reason=words)
        error = said(HttpResponseError(words or code, response=response))
        assert error.code == meant
        assert all((error.what, error.why, error.fix))

    @pytest.mark.parametrize(
        ("words", "why"),
        [
            ("AADSTS700016: no", "There is no application"),
            ("AADSTS90002: no", "There is no such tenant."),
            ("?", "Microsoft refused"),
        ],
    )
    def test_sign_in(self, words: str, why: str) -> None:
        error = said(ClientAuthenticationError(words))
        assert isinstance(error, SignInAgain)
        assert error.why.startswith(why)

    def test_a_broken_line(self) -> None:
        assert said(ServiceRequestError("no", error=socket.gaierror(-2, "x"))).code == "dns"


def said(error: Exception) -> SendoffError:
    """What an account signed in by key makes of it."""
    values = {"account": "contosodata", "container": "exports"}
    found = azure_account.account(Settings(values, {"account_key": base64.b64encode(b"key").decode()}), "blob", "Azure")
    with pytest.raises(SendoffError) as caught, found.sentences("write files"):
        raise error
    return caught.value


class TestGoogle:
    @pytest.mark.parametrize(
        ("status", "reasons", "words", "meant"),
        [
            (401, [], "", "refused_sign_in"),
            (403, ["rateLimitExceeded"], "", "slow_down"),
            (429, [], "", "slow_down"),
            (403, ["quotaExceeded"], "", "disk_full"),
            (403, ["forbidden"], "", "missing_right"),
            (404, [], "The specified bucket does not exist.", "no_bucket"),
            (410, [], "", "changed_meanwhile"),
            (400, [], "Provided CRC32C does not match", "damaged"),
            (503, [], "", "server_error"),
            (400, ["invalid"], "", "unexpected_answer"),
        ],
    )
    def test_answers(self, status: int, reasons: list[str], words: str, meant: str) -> None:
        account = google.account(Settings({"bucket": "exports"}, {}))
        error = account.refusal(status, reasons, words, "write files", None)
        assert error.code == meant
        assert all((error.what, error.why, error.fix))


SOON = {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Fri, 31 Dec 1999 23:59:47 GMT"}


@pytest.mark.parametrize("headers", [{"Retry-After": "12"}, {"retry-after": "12.0"}, SOON])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_wait_that_is_asked_for(status: int, headers: dict[str, str]) -> None:
    """As a number or a date, by each of the clouds, whatever it is too busy for."""
    code = "SlowDown" if status == 503 else "InternalError" if status == 500 else "TooManyRequests"
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}}
    amazon = what_was_answered(ClientError(answer, "UploadPart"), "Amazon S3", "exports", "write files")
    busy = SimpleNamespace(status_code=status, headers={"x-ms-error-code": "ServerBusy", **headers}, reason="")
    told = SimpleNamespace(headers=headers)
    account = google.account(Settings({"bucket": "exports"}, {}))
    with pytest.raises(TryAgain) as of_google, account.sentences("write files"):
        raise from_http_status(status, "busy", response=told)
    for error in (amazon, said(HttpResponseError("busy", response=busy)), of_google.value):
        assert isinstance(error, TryAgain)
        assert error.retry_after == 12


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (requests.exceptions.ConnectTimeout(), "connect_timeout"),
        (requests.exceptions.ReadTimeout(), "timeout"),
        (requests.exceptions.SSLError(), "tls"),
        (requests.exceptions.ProxyError(), "proxy"),
        (requests.exceptions.ConnectionError(ConnectionRefusedError()), "refused"),
        (requests.exceptions.ConnectionError(socket.gaierror()), "dns"),
        (requests.exceptions.ConnectionError(ConnectionResetError()), "reset"),
        (ssl.SSLCertVerificationError(), "tls"),
    ],
)
def test_a_connection_that_broke(error: Exception, code: str) -> None:
    found = no_answer("Amazon S3", "s3.amazonaws.com", error)
    assert found is not None
    assert found.code == code


def test_a_name_that_is_not_known_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "goes_through_proxy", lambda _host: True)
    found = no_answer("Amazon S3", "s3.amazonaws.com", requests.exceptions.ConnectTimeout())
    assert found is not None
    assert found.code == "proxy"


def test_what_is_no_broken_connection() -> None:
    assert no_answer("Amazon S3", "s3.amazonaws.com", LookupError("x")) is None


@pytest.mark.parametrize(
    ("size", "most", "expected"),
    [(0, 10_000, PART), (10_000 * PART, 10_000, PART), (10_000 * PART + 1, 10_000, PART + (1 << 20))],
)
def test_parts_are_large_enough_for_the_parts_a_store_allows(size: int, most: int, expected: int) -> None:
    assert part_size(size, most) == expected
    assert -(-size // expected) <= most


@pytest.mark.parametrize(
    ("written", "bytes_per_second"),
    [("", None), ("0,5", 500_000), ("5", 5_000_000), ("800 kB", 800_000), ("1.5MB/s", 1_500_000), ("50K", 50_000)],
)
def test_a_limit_of_speed_is_read(written: str, bytes_per_second: float | None) -> None:
    assert Speed.of({"speed_limit": written}).bytes_per_second == bytes_per_second


@pytest.mark.parametrize(
    "values", [{"speed_limit": "fast"}, {"speed_limit": "49 kB"}, {"parallel": "33"}, {"parallel": "x"}]
)
def test_a_speed_that_cannot_be(values: dict[str, str]) -> None:
    with pytest.raises(FixSettings) as caught:
        Speed.of(values)
    assert caught.value.code == "bad_speed"


def test_a_limit_lets_no_more_parts_travel_than_get_on() -> None:
    assert Speed.of({"parallel": str(MOST_PARALLEL)}).parts == MOST_PARALLEL
    assert Speed.of({"parallel": "8", "speed_limit": "3 MB"}).parts == 3
    assert Speed.of({"speed_limit": "100 kB"}).parts == 1


@pytest.mark.parametrize("of", ["azure-blob", "amazon-s3", "google-cloud-storage", "sftp", "local-folder"])
@pytest.mark.parametrize(
    ("written", "fits"), [("5", True), ("0,5 MB", True), ("800 kB/s", True), ("5 GB", False), ("x", False)]
)
def test_the_form_takes_what_can_be_read(of: str, written: str, fits: bool) -> None:
    (field,) = (each for each in description(of).connection_fields if each.id == "speed_limit")
    assert bool(re.fullmatch(field.pattern, written)) == fits
