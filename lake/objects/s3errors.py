"""What is said when a bucket or an object cannot be reached. Each message names the place and ends
with what to do; whether it is the user's input (UsageError), the user's rights (AccessError) or the
one object (DecodeError) follows from S3's error code."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from lake.errors import AccessError, DecodeError, LakeError, UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.model import RawObject

ALL = (boto.BotoCoreError, boto.ClientError, ResponseParserError)
"""What botocore raises; the three have no base of their own."""

_EXPIRED = (
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
    "RequestExpired",
    "InvalidToken",
)
_WRONG = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidClientTokenId", "AuthFailure")
_DENIED = ("AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccountProblem")
_ELSEWHERE = (
    "PermanentRedirect",
    "301",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
)
_SSO = (boto.SSOError, boto.TokenRetrievalError, boto.CredentialRetrievalError)
_LOG_IN = "Log in again (`aws sso login`, or renew AWS_SESSION_TOKEN) and repeat the command."
_GIVE = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run `aws configure`, or name a profile with "
    "--profile."
)


@contextmanager
def translated(bucket: str, prefix: str, endpoint: str | None) -> Iterator[None]:
    """Turns botocore's errors of the block into ours; without a bucket those of the settings."""
    try:
        yield
    except ALL as error:
        raise of_place(error, f"s3://{bucket}/{prefix}" if bucket else "S3", endpoint) from error


def of_place(error: Exception, place: str, endpoint: str | None) -> LakeError:
    """The error to raise for a bucket or a prefix."""
    where = endpoint or "AWS"
    code = _code(error)
    if isinstance(error, boto.ProfileNotFound):
        return _profile(error)
    if isinstance(error, boto.ConfigParseError):
        return UsageError(
            f"{error}. Mend it, or name another with AWS_CONFIG_FILE (settings) or "
            "AWS_SHARED_CREDENTIALS_FILE (keys)."
        )
    if isinstance(error, boto.InvalidRegionError):
        return UsageError(
            f"{error} Set AWS_DEFAULT_REGION, or region in ~/.aws/config, to one such as eu-west-1."
        )
    if isinstance(error, boto.ParamValidationError):
        return UsageError(f"{place} at {where}: {error}. Write s3://bucket/prefix, https://host.")
    if isinstance(error, ResponseParserError) or code in ("404", "405", "MethodNotAllowed"):
        return UsageError(
            f"what answers at {where} is no S3 service ({error}). Check --endpoint-url."
        )
    return _of_rights(error, code, place, where, "s3:ListBucket")


def of_object(error: Exception, obj: RawObject, endpoint: str) -> LakeError:
    """The error to raise for one object. It does not name the object, which stands beside it: what
    befell many is told once."""
    code = _code(error)
    if code in ("PreconditionFailed", "412"):
        return changed()
    if code in ("NoSuchKey", "404", "NotFound"):
        return DecodeError("deleted after it was listed")
    if code == "InvalidObjectState":
        return DecodeError("archived, restore it first")
    if code in _DENIED:
        return AccessError(
            f"may not be read ({code}). Allow s3:GetObject for it, and kms:Decrypt for the key "
            "that it is encrypted with."
        )
    return _of_rights(error, code, f"s3://{obj.bucket}", endpoint, "s3:GetObject")


def changed() -> DecodeError:
    """The error for an object that is no longer what was listed."""
    return DecodeError("changed after it was listed. Run the command again")


def of_listing(error: Exception, place: str, endpoint: str) -> str:
    """Why a prefix was not listed to its end."""
    code = _code(error)
    if code in _DENIED:
        return f"may not be listed ({code}). Allow s3:ListBucket for it"
    if isinstance(error, ResponseParserError):
        return f"what came is no listing ({error}). Run the command again"
    return str(of_place(error, place, endpoint))


def is_of_credentials(error: Exception) -> bool:
    """Whether every further request would fail alike: no, wrong or expired credentials."""
    kinds = (boto.NoCredentialsError, boto.PartialCredentialsError, *_SSO)
    return _code(error) in (*_EXPIRED, *_WRONG) or isinstance(error, kinds)


def _of_rights(error: Exception, code: str, place: str, where: str, action: str) -> LakeError:
    bucket = place.removeprefix("s3://").partition("/")[0]
    if code == "NoSuchBucket":
        return UsageError(
            f"no bucket '{bucket}' at {where}. Check its name and, outside AWS, --endpoint-url."
        )
    if code == "InvalidBucketName":
        return UsageError(f"'{bucket}' cannot be a bucket's name at {where}. Check the WHERE.")
    if code in _ELSEWHERE:
        return UsageError(
            f"bucket '{bucket}' is in another region than the one asked ({_message(error)}). "
            "Set AWS_DEFAULT_REGION to the bucket's region."
        )
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return AccessError(f"no AWS credentials for {place}. {_GIVE}")
    if code in _EXPIRED or isinstance(error, _SSO):
        return AccessError(f"the AWS session for {place} is over ({code or error}). {_LOG_IN}")
    if code in _WRONG:
        return AccessError(f"{where} refuses the credentials for {place} ({code}). {_GIVE}")
    if code in _DENIED:
        return AccessError(f"{place} may not be read ({code}). Allow {action} on it.")
    if code == "RequestTimeTooSkewed":
        return AccessError(f"{where} says that this machine's clock is wrong. Set it and repeat.")
    if isinstance(error, boto.HTTPClientError | boto.ConnectionError):
        return AccessError(
            f"no answer from {where} for {place} ({error}). Check the network, --endpoint-url and "
            "HTTPS_PROXY."
        )
    if place == "S3":
        return UsageError(
            f"S3 cannot be asked: {_message(error)}. Look at the AWS_ variables and ~/.aws/config."
        )
    return AccessError(f"{place} cannot be read: {_message(error)}. Repeat the command later.")


def _profile(error: boto.ProfileNotFound) -> UsageError:
    from botocore.session import Session

    known = Session().available_profiles  # boto3's would look for AWS_PROFILE's, which may be it
    return unknown_name("AWS profile", str(error.kwargs.get("profile", "")), known)


def _code(error: Exception) -> str:
    if isinstance(error, boto.ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def _message(error: Exception) -> str:
    if isinstance(error, boto.ClientError):
        answer = error.response.get("Error", {})
        return f"{answer.get('Code', '')}: {answer.get('Message', '')}".strip(": ")
    return str(error)
