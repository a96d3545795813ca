"""CloudTrail's objects: log files, Insight files and the digests that sign the log files.

Log files are cut every three hours for each account and region. The digests hold the true SHA-256
of the log files' text and are otherwise no events, so a reader sets them aside.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from lake.demo import story
from lake.demo.chance import BASE64, at_utc, hex_id, iso, moment, stream, text_id, uuid
from lake.demo.objects import DemoObject, day_path, deliveries, gzipped, minute_stamp
from lake.demo.story import STORY
from lake.demo.trail_attack import attack_events
from lake.demo.trail_changes import change_events
from lake.demo.trail_rare import rare_events
from lake.demo.trail_signins import sign_in_events
from lake.demo.trail_storage import object_events
from lake.demo.trail_traffic import everyday_events
from lake.demo.world import LOGISTICS, PRODUCTION, Account

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from lake.demo.trail_record import TrailEvent

_BUCKET = "halden-org-logs"


def trail_objects(seed: int) -> Iterator[DemoObject]:
    """Log files of both accounts, then the digests of each day."""
    rng = stream(seed, "trail objects")
    events = (
        everyday_events(seed)
        + object_events(seed)
        + change_events(seed)
        + sign_in_events(seed)
        + rare_events(seed)
        + attack_events(seed)
    )
    places: dict[tuple[str, str], list[TrailEvent]] = defaultdict(list)
    for made in events:
        places[made.account.id, made.region].append(made)
    for (account, region), own in sorted(places.items(), key=lambda item: item[0]):
        files = []
        for end, batch in deliveries(own, lambda made: made.at, 3):
            name = f"{account}_CloudTrail_{region}_{minute_stamp(end)}_{text_id(rng, 16, BASE64)}"
            key = f"AWSLogs/{account}/CloudTrail/{region}/{day_path(end)}/{name}.json.gz"
            log_file = _records(key, "cloudtrail", [item.record for item in batch])
            files.append((batch[0].at, batch[-1].at, log_file))
            yield log_file
        if region == "us-east-1":
            yield from _digests(rng, account, region, files)


def _records(key: str, source: str, records: list[dict[str, Any]]) -> DemoObject:
    text = json.dumps({"Records": records}, separators=(",", ":"))
    return DemoObject(key, source, len(records), gzipped(text.encode()))


def _digests(
    rng: random.Random, account: str, region: str, files: list[tuple[float, float, DemoObject]]
) -> Iterator[DemoObject]:
    """A digest at the end of each day over that day's log files, each naming the one before."""
    before = None
    for day in (1, 2, 3):
        start, end = moment(day, 0, 0), moment(day + 1, 0, 0)
        mark = at_utc(end - 1).strftime("%Y/%m/%d")
        name = f"{account}_CloudTrail-Digest_{region}_{STORY.trail}_{region}"
        stamp = at_utc(end - 1).strftime("%Y%m%dT%H%M%SZ")
        key = f"AWSLogs/{account}/CloudTrail-Digest/{region}/{mark}/{name}_{stamp}.json.gz"
        own = [item for item in files if start <= item[0] < end]
        digest = {
            "awsAccountId": account,
            "digestStartTime": iso(start),
            "digestEndTime": iso(end),
            "digestS3Bucket": _BUCKET,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": "31e8b5433410dfb61a9dc45cc65b22ff",
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": iso(max(last for _, last, _ in own)),
            "oldestEventTime": iso(min(first for first, _, _ in own)),
            "previousDigestS3Bucket": _BUCKET if before else None,
            "previousDigestS3Object": before.key if before else None,
            "previousDigestHashValue": _hash(before) if before else None,
            "previousDigestHashAlgorithm": "SHA-256" if before else None,
            "previousDigestSignature": hex_id(rng, 512) if before else None,
            "logFiles": [
                {
                    "s3Bucket": _BUCKET,
                    "s3Object": made.key,
                    "hashValue": _hash(made),
                    "hashAlgorithm": "SHA-256",
                    "newestEventTime": iso(last),
                    "oldestEventTime": iso(first),
                }
                for first, last, made in own
            ],
        }
        text = json.dumps(digest, separators=(",", ":"))
        before = DemoObject(key, None, 0, gzipped(text.encode()))
        yield before


def _hash(made: DemoObject) -> str:
    """SHA-256 of the uncompressed text, as CloudTrail's digests have it."""
    return hashlib.sha256(zlib.decompress(made.body, wbits=31)).hexdigest()


def insight_objects(seed: int) -> Iterator[DemoObject]:
    """Insight events: the attacker's burst of calls and of errors, and a harmless one in Tokyo."""
    rng = stream(seed, "insights")
    thief = (
        f"arn:aws:iam::{PRODUCTION.id}:user/{STORY.stolen_user}",
        f"{story.ATTACKER_CLI}s3api.get-bucket-acl",
    )
    depot = (
        f"arn:aws:sts::{LOGISTICS.id}:assumed-role/halden-depot/stocktake",
        "Boto3/1.36.21",
    )
    first = story.FIRST_CALL
    for account, region, start, minutes, service, name, code, rate, who in (
        (PRODUCTION, "us-east-1", first, 9, "s3", "GetBucketAcl", "", 2.2, thief),
        (PRODUCTION, "us-east-1", first, 11, "iam", "ListUsers", "AccessDenied", 1.4, thief),
        (
            PRODUCTION,
            "eu-central-1",
            first + 120,
            6,
            "ec2",
            "DescribeSnapshots",
            "Client.UnauthorizedOperation",
            1.1,
            thief,
        ),
        (LOGISTICS, "ap-northeast-1", moment(1, 4, 10), 20, "ssm", "SendCommand", "", 3.4, depot),
    ):
        shared = uuid(rng)
        records = [
            _insight(
                rng,
                account,
                region,
                start + 60 * ended * minutes,
                service,
                name,
                code,
                rate,
                who,
                shared,
                minutes if ended else 0,
            )
            for ended in (0, 1)
        ]
        stamp = at_utc(start // 300 * 300 + 1800).strftime("%Y%m%dT%H%MZ")
        folder = f"AWSLogs/{account.id}/CloudTrail-Insight/{region}/{day_path(start + 1800)}"
        tail = f"{account.id}_CloudTrail-Insight_{region}_{stamp}_{text_id(rng, 16, BASE64)}"
        yield _records(f"{folder}/{tail}.json.gz", "cloudtrail_insight", records)


def _insight(
    rng: random.Random,
    account: Account,
    region: str,
    at: float,
    service: str,
    name: str,
    code: str,
    rate: float,
    who: tuple[str, str],
    shared: str,
    minutes: int,
) -> dict[str, Any]:
    usual = round(rate / 5000, 10)
    statistics: dict[str, Any] = {"baseline": {"average": usual}, "insight": {"average": rate}}
    statistics |= {"insightDuration": max(minutes, 1), "baselineDuration": 10180}
    details: dict[str, Any] = {
        "state": "End" if minutes else "Start",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "insightType": "ApiErrorRateInsight" if code else "ApiCallRateInsight",
    }
    if code:
        details["errorCode"] = code
    attributions = [
        {
            "attribute": attribute,
            "insight": [{"value": value, "average": rate}],
            "baseline": [{"value": calm, "average": usual}],
        }
        for attribute, value, calm in (
            ("userIdentityArn", who[0], f"arn:aws:sts::{account.id}:assumed-role/metrics-reader"),
            ("userAgent", who[1], "Boto3/1.36.21"),
            ("errorCode", code or "null", code or "null"),
        )
        if not (code and attribute == "errorCode")
    ]
    details["insightContext"] = {"statistics": statistics, "attributions": attributions}
    return {
        "eventVersion": "1.09",
        "eventTime": iso(at // 60 * 60),
        "awsRegion": region,
        "eventID": uuid(rng),
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": account.id,
        "sharedEventID": shared,
        "insightDetails": details,
        "eventCategory": "Insight",
    }
