"""What S3's answers and boto3's own errors mean for a person. Codes: docs.aws.amazon.com, S3 error responses."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from app.core.errors import FixSettings, SendoffError, SignInAgain, TryAgain
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
    wrong_clock,
)

_WRONG_KEY = {
    "InvalidAccessKeyId": "It does not know the access key ID.",
    "InvalidClientTokenId": "It does not know the access key ID.",
    "SignatureDoesNotMatch": "The secret access key does not belong to the access key ID.",
    "InvalidToken": "The session token is not valid.",
    "AuthFailure": "It does not accept the access key.",
    "NotSignedUp": "The account has no S3.",
}
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_OTHER_REGION = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
)
_SLOW = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "ServiceUnavailable"}
)
_CHANGED = frozenset(
    {"NoSuchUpload", "InvalidPart", "InvalidPartOrder", "PreconditionFailed", "ConditionalRequestConflict"}
    | {"OperationAborted", "NoSuchKey"}
)
_DAMAGED = frozenset({"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"})
_FULL = frozenset({"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"})
_RIGHTS = {
    "ListObjectsV2": "s3:ListBucket",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "DeleteObject": "s3:DeleteObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListParts": "s3:ListMultipartUploadParts",
    "AssumeRole": "sts:AssumeRole",
}
_SIGN_IN = ("NoCredentials", "PartialCredentials", "CredentialRetrieval", "SSOToken", "TokenRetrieval", "LoginRefresh")


def what_was_answered(error: ClientError, target: str, bucket: str, doing: str) -> SendoffError:
    """What an answer that is not ok means; `doing` says what was tried."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    told = error.response.get("ResponseMetadata", {})
    status, headers = int(told.get("HTTPStatusCode", 0)), told.get("HTTPHeaders")
    if code in _WRONG_KEY:
        return refused_sign_in(target, _WRONG_KEY[code], "Enter the access key ID and its secret again.")
    if code in _EXPIRED:
        return expired(target, "The session is over.", "Sign in again, or enter a new access key in the connection.")
    if code == "RequestTimeTooSkewed":
        return wrong_clock(target)
    if code == "NoSuchBucket":
        return no_bucket(target, "bucket", bucket)
    if code in _OTHER_REGION:
        return FixSettings(
            f"The bucket “{bucket}” lies in another region.",
            f"{target} answers for it elsewhere.",
            "Correct the region in the connection; it stands beside the bucket's name in the AWS console.",
            code="other_region",
        )
    if code in _SLOW or status == 429:
        return slow_down(target, code, headers)
    if status >= 500 and code not in _CHANGED | _DAMAGED | _FULL:
        return server_error(target, status, headers)
    return _of_the_object(error, code, status, target, doing)


def _of_the_object(error: ClientError, code: str, status: int, target: str, doing: str) -> SendoffError:
    if code in _CHANGED:
        return changed_meanwhile(target)
    if code in _DAMAGED:
        return damaged(target)
    if code in _FULL:
        return out_of_room(target)
    if code == "RequestTimeout":
        return TryAgain(
            f"{target} took too long to get a part.", "The line stood still.", "Try again later.", code="timeout"
        )
    if status == 403 or code == "AccessDenied":
        right = _RIGHTS.get(error.operation_name, "s3:PutObject")
        return missing_right(target, doing, f"Give it the right {right} for the bucket and its folder.")
    return not_understood(target, code or f"status {status}")


def unanswered(error: BotoCoreError, target: str, host: str) -> SendoffError:
    """Why there is no answer: the network, or nothing to sign in with."""
    name = type(error).__name__
    if name.startswith(_SIGN_IN) or "SSO" in name:
        return SignInAgain(
            "This computer is not signed in.",
            f"The profile has nothing that {target} would accept.",
            "Sign in with the AWS command line (aws sso login), or choose access keys in the connection.",
            code="not_signed_in",
        )
    return no_answer(target, host, error) or not_understood(target, name)
