"""Samples and corpus through the engine: every record accounted for, and every field that differs
from the original normaliser's meant to. Reads `../shared`; skips where that is absent."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

import pytest
from expected import DIFFERENCES, Entry, compare, same, text
from expected_objects import SECTIONS, SHARED, Object, objects, present, rows_of

pytestmark = pytest.mark.skipif(
    not present(), reason="../shared (samples, corpus, the original's documents) is not there"
)

SAMPLES = {
    "alb/alb.log.gz": 5,
    "clb/clb.log": 3,
    "cloudfront-realtime/rt.gz": 1,
    "cloudfront-standard/std-upper.gz": 1,
    "cloudfront-standard/std.gz": 3,
    "cloudtrail/cwl.json.gz": 1,
    "cloudtrail/digest.json.gz": 0,
    "cloudtrail/empty.json.gz": 0,
    "cloudtrail/eventbridge.json": 1,
    "cloudtrail/insight.json.gz": 1,
    "cloudtrail/lake-null.json": 1,
    "cloudtrail/orgtrail.json.gz": 1,
    "cloudtrail/pretty.json": 2,
    "cloudtrail/two-records-objs.json": 2,
    "cloudtrail/varied.json.gz": 18,
    "guardduty/eventbridge.json": 1,
    "guardduty/findings.jsonl.gz": 9,
    "nlb/nlb.log.gz": 2,
    "route53resolver/dns.log.gz": 2,
    "s3accesslog/s3.log": 3,
    "vpcflowlogs/cwl.gz": 1,
    "vpcflowlogs/noend.log.gz": 2,
    "vpcflowlogs/one.log.gz": 1,
    "vpcflowlogs/tgw.log.gz": 2,
    "vpcflowlogs/v2.log.gz": 6,
    "vpcflowlogs/v5.log.gz": 3,
    "waf/firehose.gz": 5,
    "waf/noheaders.gz": 1,
    "waf/s3.log.gz": 5,
}
"""Records of each sample, counted by eye; the corpus' manifest tells its own."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What becomes of an object's records where that is not simply a row each."""

    object: str
    rows: int
    reason: str
    rejects: int = 0
    status: str = "read"


@cache
def reckonings() -> tuple[Reckoning, ...]:
    listed = tomllib.loads(DIFFERENCES.read_text("utf-8")).get("reconciliation", [])
    return tuple(Reckoning(**entry) for entry in listed)


def due(obj: Object) -> Reckoning:
    for reckoning in reckonings():
        if fnmatchcase(obj.key, reckoning.object):
            return reckoning
    sample = obj.path.is_relative_to(SHARED / "samples")
    inner = obj.path.relative_to(SHARED / "samples").as_posix() if sample else ""
    events = SAMPLES[inner] if sample else obj.events
    assert events is not None
    return Reckoning(obj.key, events, "every record is a row")


def every() -> list[Object]:
    return list(objects()) if present() else []


@pytest.mark.parametrize("obj", every(), ids=lambda o: f"{o.section}-{o.key[-60:]}")
def test_every_record_is_a_row_or_a_reject(obj: Object) -> None:
    result, wanted = rows_of(obj), due(obj)
    rows = {name: table.num_rows for name, table in result.tables.items()}
    rejects = [f"{r.position}: {r.reason}" for r in result.rejects]
    assert (sum(rows.values()), len(rejects)) == (wanted.rows, wanted.rejects), (
        f"{obj.key}: {result.status} ({result.reason}), rows {rows}, rejects {rejects}"
    )
    if wanted.rows:
        assert result.status == wanted.status, (obj.key, result.reason)


def test_every_reckoning_concerns_an_object() -> None:
    keys = [o.key for o in every()]
    stale = [r.object for r in reckonings() if not any(fnmatchcase(k, r.object) for k in keys)]
    assert stale == []


@pytest.mark.parametrize("section", SECTIONS)
def test_what_differs_from_the_original_is_listed(section: str) -> None:
    outcome = compare(section)
    shown = "\n".join(str(d) for d in outcome.unlisted[:20])
    assert outcome.unlisted == [], (
        f"{len(outcome.unlisted)} differences are not in {DIFFERENCES.name}; see "
        f"`python tests/expected.py {section}`\n{shown}"
    )
    assert [str(e) for e in outcome.stale] == [], "these entries cover nothing: remove them"


def test_every_listed_difference_has_a_reason_and_a_known_source() -> None:
    listed = tomllib.loads(DIFFERENCES.read_text("utf-8"))
    assert set(listed) - {"reconciliation"} <= set(SECTIONS)
    for section, found in listed.items():
        if section != "reconciliation":
            for entry in found:
                assert len(Entry(section=section, **entry).reason) > 20, entry


@pytest.mark.parametrize(
    ("name", "one", "other", "equal"),
    [
        ("source.port", "443", 443, True),
        ("source.port", "443", 444, False),
        ("event.severity", "5", 5.0, True),
        ("cloud.account.id", "012345678901", "12345678901", False),
        ("event.category", "web", ["web"], True),
        ("event.type", ["b", "a"], ["a", "b"], True),
        ("@timestamp", "2024-02-01T10:00:00+00:00", "2024-02-01T10:00:00.000000Z", True),
        ("@timestamp", "2024-02-01T10:00:00+00:00", "2024-02-01T10:00:00.000001Z", False),
        ("source.ip", "2001:DB8:0::1", "2001:db8::1", True),
        ("user_agent.version", "1.10", "1.1", False),
        ("rule.name", "x", None, False),
        ("native.readOnly", "True", True, True),
        ("native.readOnly", False, True, False),
    ],
)
def test_only_representation_is_evened_out(
    name: str, one: object, other: object, equal: bool
) -> None:
    assert same(name, one, other) is equal
    assert text(name, None) == "(none)"
