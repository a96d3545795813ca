"""A request to S3: what the access logs and CloudTrail's data events have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lake.demo.chance import BASE64, UPPER, text_id
from lake.demo.world import VPCS, Bucket, hosts_of

if TYPE_CHECKING:
    import random

BOTO = "Boto3/1.36.21 md/Botocore#1.36.21 ua/2.0 os/linux#6.1.128 md/arch#x86_64 lang/python#3.12.9"


@dataclass(frozen=True, slots=True)
class StorageRequest:
    """One request. `caller` names its identity: a role, a user, a service, or nobody.

    `operation` is S3's name for it (REST.GET.OBJECT). `sent` and `received` are bytes on the wire,
    `size` the object's. `address` is empty for what S3 does by itself.
    """

    at: float
    bucket: Bucket
    operation: str
    key: str
    caller: str
    address: str
    agent: str
    status: int
    error: str
    sent: int
    received: int
    size: int
    milliseconds: int
    request_id: str
    host_id: str

    @property
    def method(self) -> str:
        return self.operation.split(".")[1]


def make_request(
    rng: random.Random,
    at: float,
    bucket: Bucket,
    operation: str,
    key: str,
    caller: str,
    address: str,
    agent: str,
    size: int,
    status: int = 200,
    error: str = "",
) -> StorageRequest:
    method = operation.split(".")[1]
    if method == "DELETE":
        status = 204
    sent = 243 + rng.randrange(60) if status >= 400 else size if method == "GET" else 0
    received = size if method == "PUT" else 0
    stored = 0 if status >= 400 or operation == "REST.GET.BUCKET" else size
    return StorageRequest(
        at,
        bucket,
        operation,
        key,
        caller,
        address,
        agent,
        status,
        error,
        sent,
        received,
        stored,
        round(9 + rng.expovariate(1 / 14) + size / 90_000),
        text_id(rng, 16, UPPER),
        text_id(rng, 75, BASE64 + "+/") + "=",
    )


def principal(request: StorageRequest) -> str:
    """The requester as access logs write it: an ARN, a service, or a hyphen for nobody."""
    kind, _, name = request.caller.partition(":")
    account = request.bucket.account.id
    if kind == "user":
        return f"arn:aws:iam::{account}:user/{name}"
    if kind == "role":
        return f"arn:aws:sts::{account}:assumed-role/{name}/{session_of(request.address)}"
    return {"cloudfront": "svc:cloudfront.amazonaws.com", "s3": "AmazonS3"}.get(name, "-")


@lru_cache(maxsize=64)
def session_of(address: str) -> str:
    """The session of a role that a machine has: named after the instance."""
    hosts = (host for vpc in VPCS for host in hosts_of(vpc))
    return next(host.instance for host in hosts if host.address == address) or ""
