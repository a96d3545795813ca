"""Object calls to audited buckets as CloudTrail data events: the requests that S3's access logs
tell of, with the same request ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.demo.chance import stream
from lake.demo.storage import session_of
from lake.demo.storage_traffic import storage_requests
from lake.demo.story import STORY
from lake.demo.trail_record import (
    Call,
    Caller,
    TrailEvent,
    console_identity,
    event,
    role_identity,
    user_identity,
)
from lake.demo.trail_traffic import endpoint_of
from lake.demo.world import DEPLOYER, DEPOT, LOGISTICS, MARIA, SHOP_US

if TYPE_CHECKING:
    import random

    from lake.demo.storage import StorageRequest


def object_events(seed: int) -> list[TrailEvent]:
    """The object calls to audited buckets, as data events."""
    rng = stream(seed, "trail objects")
    return [
        _object_event(rng, request)
        for request in storage_requests(seed)
        if request.bucket.audited and request.address
    ]


def _object_event(rng: random.Random, request: StorageRequest) -> TrailEvent:
    bucket, account = request.bucket, request.bucket.account
    name = {
        "REST.GET.OBJECT": "GetObject",
        "REST.PUT.OBJECT": "PutObject",
        "REST.DELETE.OBJECT": "DeleteObject",
        "REST.GET.BUCKET": "ListObjects",
    }[request.operation]
    arn = f"arn:aws:s3:::{bucket.name}"
    parameters = {"bucketName": bucket.name, "Host": bucket.endpoint}
    resources = (("AWS::S3::Object", f"{arn}/{request.key}"), ("AWS::S3::Bucket", arn))
    if request.key:
        parameters["key"] = request.key
    else:
        parameters |= {"list-type": "2", "prefix": ""}
    error = None
    if request.error:
        error = (
            request.error,
            "Access Denied" if request.status == 403 else "The specified key does not exist.",
        )
    return event(
        rng,
        request.at,
        account,
        bucket.region,
        _caller(request),
        Call(
            "s3",
            name,
            parameters,
            None,
            request.method == "GET",
            error,
            resources,
            extra={
                "SignatureVersion": "SigV4",
                "CipherSuite": "TLS_AES_128_GCM_SHA256",
                "bytesTransferredIn": request.received,
                "AuthenticationMethod": "AuthHeader",
                "x-amz-id-2": request.host_id,
                "bytesTransferredOut": request.sent,
            },
            data=True,
            request_id=request.request_id,
            host=bucket.endpoint,
        ),
    )


def _caller(request: StorageRequest) -> Caller:
    account = request.bucket.account
    kind, _, who = request.caller.partition(":")
    if kind == "user":
        key = STORY.stolen_access_key if who == DEPLOYER.name else ""
        identity = user_identity(account, who, key)
        if who == MARIA.name:
            identity = console_identity(account, who, request.at // 14400 * 14400, mfa=False)
        return Caller(identity, request.address, request.agent)
    if kind == "role":
        vpc = DEPOT if account is LOGISTICS else SHOP_US
        identity = role_identity(
            account, who, session_of(request.address), request.at // 3600 * 3600, delivery="2.0"
        )
        return Caller(identity, request.address, request.agent, endpoint_of(vpc))
    return Caller({}, request.address, request.agent)
