"""S3 server access logs: 26 fields a line, one object an interval, not gzipped.

Format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html. The keys follow the
date-based layout that S3 offers since 2023: account, region, bucket and day, below the prefix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from lake.demo.chance import UPPER, at_utc, stream, text_id
from lake.demo.objects import DemoObject, day_path, deliveries, plain_lines
from lake.demo.storage import principal
from lake.demo.storage_traffic import storage_requests
from lake.demo.world import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.demo.storage import StorageRequest


def s3access_objects(seed: int) -> Iterator[DemoObject]:
    """The logs of every bucket, cut every six hours."""
    rng = stream(seed, "s3 access objects")
    for bucket in BUCKETS:
        folder = f"AWSLogs/{bucket.account.id}/{bucket.region}/{bucket.name}"
        own = [request for request in storage_requests(seed) if request.bucket is bucket]
        for end, batch in deliveries(own, lambda request: request.at, 6):
            stamp = at_utc(end - rng.randrange(60, 3000)).strftime("%Y-%m-%d-%H-%M-%S")
            key = f"{folder}/{day_path(end)}/{stamp}-{text_id(rng, 16, UPPER)}"
            yield plain_lines(key, "s3access", [_line(request) for request in batch])


def _line(request: StorageRequest) -> str:
    bucket = request.bucket
    time = at_utc(request.at).strftime("[%d/%b/%Y:%H:%M:%S +0000]")
    by_itself = not request.address
    key = quote(quote(request.key, safe="/"), safe="/%") or "-"
    uri = f"/{request.key}" if request.key else "/?list-type=2&prefix="
    line = "-" if by_itself else f"{request.method} {uri} HTTP/1.1"
    signed = bool(request.caller) and not by_itself
    taken = "-" if by_itself else str(request.milliseconds)
    turned = str(max(1, request.milliseconds // 2)) if request.status < 400 and signed else "-"
    return (
        f"{bucket.account.canonical_user} {bucket.name} {time} "
        f"{request.address or '-'} {principal(request)} "
        f'{request.request_id} {request.operation} {key} "{line}" {request.status or "-"} '
        f"{request.error or '-'} {request.sent or '-'} {request.size or '-'} {taken} {turned} "
        f'"-" "{request.agent}" - {request.host_id} '
        f"{'SigV4' if signed else '-'} {'-' if by_itself else 'TLS_AES_128_GCM_SHA256'} "
        f"{'AuthHeader' if signed else '-'} {'-' if by_itself else bucket.endpoint} "
        f"{'-' if by_itself else 'TLSv1.3'} - -"
    )
