"""The demo's bytes, formats and story, read back from what was written."""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import json
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

import geoip2.database
import maxminddb
import pytest

from lake.demo import DemoSummary, write_demo
from lake.demo.places import PLACES, place_of
from lake.demo.story import STORY
from lake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "AKIAHALDENCI7EXAMPLE"
NEW_KEY = "AKIAHALDENNEWEXAMPLE"
ATTACKER = "26.77.13.201"
HOME = "28.45.9.77"
DOMAIN = "telemetry.shadow-relay.example"
BUCKET = "halden-customer-exports"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    return write_demo(tmp_path_factory.mktemp("demo"))


@cache
def texts(logs: Path) -> dict[str, str]:
    """The text of every object, by its key."""
    found = {}
    for path in sorted(logs.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            text = gzip.decompress(data) if path.suffix == ".gz" else data
            found[path.relative_to(logs).as_posix()] = text.decode()
    return found


def lines(demo: DemoSummary, pattern: str) -> list[str]:
    """The lines of every object whose key matches, headers included."""
    return [
        line
        for key, text in texts(demo.logs).items()
        if re.search(pattern, key)
        for line in text.splitlines()
    ]


def trail(demo: DemoSummary) -> list[dict[str, Any]]:
    return _events(demo.logs)


@cache
def _events(logs: Path) -> list[dict[str, Any]]:
    return [
        event
        for key, text in texts(logs).items()
        if "/CloudTrail/" in key
        for event in json.loads(text)["Records"]
    ]


def cut(line: str) -> list[str]:
    """A line of blanks, with quoted and bracketed fields whole."""
    return re.findall(r'"[^"]*"(?:,"[^"]*")*|\[\d\d/[^\]]*\]|\S+', line)


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_same_seed_same_bytes_and_nothing_else_touched(demo: DemoSummary, tmp_path: Path) -> None:
    again = write_demo(tmp_path / "again")
    assert digests(demo.logs.parent) == digests(again.logs.parent)
    assert again.records == demo.records
    (again.logs / "mine.log").write_text("evidence\n")
    with pytest.raises(UsageError, match=r"other files \(mine\.log\); name a folder"):
        write_demo(tmp_path / "again")


@pytest.mark.long
def test_another_seed_is_another_demo(demo: DemoSummary, tmp_path: Path) -> None:
    other = write_demo(tmp_path, seed=8)
    same = digests(demo.logs).items() & digests(other.logs).items()
    assert [key for key, _ in same] == [
        "AWSLogs/111122223333/ELBAccessLogTestFile",
    ]


def test_summary(demo: DemoSummary) -> None:
    assert demo.records == {
        "alb": 5329,
        "alb_connection": 1264,
        "clb": 1112,
        "cloudfront": 5500,
        "cloudfront_realtime": 1403,
        "cloudtrail": 12313,
        "cloudtrail_insight": 8,
        "guardduty": 54,
        "nlb": 1500,
        "route53resolver": 5472,
        "s3access": 4675,
        "tgwflow": 2260,
        "vpcflow": 18578,
        "waf": 5496,
    }
    assert demo.total == 64964
    assert (demo.objects, demo.set_aside) == (488, 7)
    assert sum(path.is_file() for path in demo.logs.rglob("*")) == 488


def test_gzip_headers_hold_no_time(demo: DemoSummary) -> None:
    heads = {path.read_bytes()[:10] for path in demo.logs.rglob("*.gz")}
    assert heads == {b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"}


# In the patterns below: a day, a delivery's time, eight and sixteen characters of chance.
WORDS = {
    "DAY": r"2025/03/1[012]",
    "STAMP": r"\d{8}T\d{4}Z",
    "SECOND": r"2025-03-1[012]-\d\d-\d\d-\d\d",
    "UUID": r"[0-9a-f-]{36}",
    "R8": r"\w{8}",
    "R16": r"\w{16}",
    "ACCOUNT": r"\d{12}",
    "REGION": r"[a-z]+-[a-z]+-\d",
    "BALANCER": r"ACCOUNT_elasticloadbalancing_REGION_(app|net)\.[a-z-]+\.R16_STAMP",
    "NODE": r"[\d.]+",
}


@pytest.mark.parametrize(
    ("key", "objects"),
    [
        ("ACCOUNT/CloudTrail/REGION/DAY/ACCOUNT_CloudTrail_REGION_STAMP_R16.json.gz", 144),
        ("ACCOUNT/CloudTrail-Insight/REGION/DAY/"
         "ACCOUNT_CloudTrail-Insight_REGION_STAMP_R16.json.gz", 4),
        ("ACCOUNT/CloudTrail-Digest/REGION/DAY/ACCOUNT_CloudTrail-Digest_REGION_halden-org-trail_"
         r"REGION_\d{8}T\d{6}Z.json.gz", 6),
        ("ACCOUNT/vpcflowlogs/REGION/DAY/ACCOUNT_vpcflowlogs_REGION_fl-0R16_STAMP_R8.log.gz", 84),
        ("ACCOUNT/GuardDuty/REGION/DAY/UUID.jsonl.gz", 15),
        (r"ACCOUNT/WAFLogs/REGION/halden-[a-z-]+/DAY/\d\d/\d\d/ACCOUNT_waflogs_REGION_halden-[a-z-]+_"
         "STAMP_R8.log.gz", 24),
        (r"ACCOUNT/WAFLogs/cloudfront/halden-site/DAY/\d\d/\d\d/ACCOUNT_waflogs_cloudfront_"
         "halden-site_STAMP_R8.log.gz", 12),
        ("ACCOUNT/elasticloadbalancing/REGION/DAY/BALANCER_NODE_R8.log.gz", 48),
        (r"ACCOUNT/elasticloadbalancing/REGION/DAY/conn_log\.BALANCER_NODE_R8.log.gz", 24),
        ("ACCOUNT/elasticloadbalancing/REGION/DAY/BALANCER_R8.log.gz", 9),
        ("ACCOUNT/elasticloadbalancing/REGION/DAY/ACCOUNT_elasticloadbalancing_REGION_halden-legacy_"
         "STAMP_NODE_R8.log", 9),
        ("ACCOUNT/CloudFront/global/E2HALDENDEMO01/standard/"
         r"E2HALDENDEMO01.2025-03-1[012]-\d\d.R8.gz", 18),
        (r"ACCOUNT/CloudFront/global/E2HALDENDEMO01/realtime/DAY/\d\d/"
         "halden-cf-realtime-1-SECOND-UUID.gz",
         9),
        ("ACCOUNT/REGION/halden-[a-z-]+/DAY/SECOND-[0-9A-Z]{16}", 45),
        ("ACCOUNT/vpcdnsquerylogs/vpc-0R16/DAY/"
         "vpc-0R16_vpcdnsquerylogs_ACCOUNT_STAMP_R8.log.gz", 36),
        ("ACCOUNT/ELBAccessLogTestFile", 1),
    ],
)  # fmt: skip
def test_keys(demo: DemoSummary, key: str, objects: int) -> None:
    for word, meaning in reversed(WORDS.items()):  # the last ones are made of the first
        key = key.replace(word, meaning)
    assert sum(bool(re.fullmatch(f"AWSLogs/{key}", name)) for name in texts(demo.logs)) == objects


@pytest.mark.parametrize(
    ("objects", "fields", "records"),
    [
        (r"/\d{12}_elasticloadbalancing_.*_app\.", 30, 5329),
        (r"/conn_log\.", 12, 1264),
        (r"_net\.halden", 22, 1500),
        (r"_halden-legacy_", 15, 1112),
        (r"/halden-[a-z-]+/2025/.*/2025-", 26, 4675),
    ],
)
def test_fields_between_blanks(demo: DemoSummary, objects: str, fields: int, records: int) -> None:
    assert Counter(len(cut(line)) for line in lines(demo, objects)) == {fields: records}


def test_fields_between_tabs(demo: DemoSummary) -> None:
    standard = lines(demo, "/standard/")
    names = {line.count(" ") for line in standard if line.startswith("#Fields: ")}
    assert names == {33}
    assert Counter(line.count("\t") for line in standard if line[0] != "#") == {32: 5500}
    realtime = lines(demo, "/realtime/")
    assert Counter(line.count("\t") for line in realtime) == {41: 1403}
    row = realtime[0].split("\t")
    assert re.fullmatch(r"1741[5-8]\d{5}\.\d{3}", row[0])
    assert (row[5], row[6], row[7]) == ("GET", "https", "www.halden.example")
    assert row[39] == "4"


def test_flow_formats(demo: DemoSummary) -> None:
    kinds: Counter[tuple[str, int]] = Counter()
    header: list[str] = []
    for line in lines(demo, "/vpcflowlogs/"):
        if line.startswith("version "):
            header = line.split(" ")
            continue
        values = line.split(" ")
        assert len(values) == len(header)
        kinds[values[0], len(values)] += 1
    assert kinds == {("5", 29): 10360, ("2", 14): 8218, ("6", 36): 2260}
    whole = lines(demo, "/vpcflowlogs/us-east-1/")
    assert {line.split(" ")[-1] for line in whole} == {
        "traffic-path", "-", "1", "2", "3", "4", "5", "6", "7", "8",
    }  # fmt: skip
    assert sum(" NODATA" in line or " SKIPDATA" in line for line in lines(demo, "vpcflow")) == 240
    assert any(" IPv6 3ffe:" in line for line in whole)


def test_trail_members(demo: DemoSummary) -> None:
    events = trail(demo)
    assert len({event["eventID"] for event in events}) == len(events)
    assert {event["userIdentity"].get("type") for event in events} == {
        "AssumedRole", "AWSAccount", "AWSService", "IAMUser", "IdentityCenterUser", "Root",
        "SAMLUser", "WebIdentityUser", None,
    }  # fmt: skip
    assert {event["eventType"] for event in events} == {
        "AwsApiCall", "AwsConsoleAction", "AwsConsoleSignIn", "AwsServiceEvent",
    }  # fmt: skip
    assert {event["recipientAccountId"] for event in events} == {"111122223333", "012345678901"}
    assert {event["awsRegion"] for event in events} == {
        "us-east-1", "eu-central-1", "ap-northeast-1",
    }  # fmt: skip
    times = [event["eventTime"] for event in events]
    assert (min(times)[:10], max(times)[:10]) == ("2025-03-10", "2025-03-12")


@pytest.mark.parametrize(
    ("names", "count"),
    [
        ("AuthorizeSecurityGroupIngress|RevokeSecurityGroupIngress|CreateSecurityGroup", 30),
        ("CreateNetworkAcl|CreateNetworkAclEntry|ReplaceNetworkAclEntry", 11),
        ("(Attach|Create|Detach)InternetGateway|CreateCustomerGateway", 9),
        ("CreateRoute|CreateRouteTable|ReplaceRoute", 10),
        ("CreateVpc|ModifyVpcAttribute|CreateVpcPeeringConnection|AcceptVpcPeeringConnection", 9),
        ("PutBucketAcl|PutBucketPolicy|PutBucketCors|PutBucketLifecycle|PutBucketReplication", 16),
        ("DisableKey|ScheduleKeyDeletion|PutKeyPolicy", 7),
    ],
)  # fmt: skip
def test_what_the_benchmark_watches(demo: DemoSummary, names: str, count: int) -> None:
    assert sum(bool(re.fullmatch(names, event["eventName"])) for event in trail(demo)) == count


def test_sign_ins(demo: DemoSummary) -> None:
    signed = [event for event in trail(demo) if event["eventName"] == "ConsoleLogin"]
    kinds = Counter(
        (event["responseElements"]["ConsoleLogin"], event["additionalEventData"]["MFAUsed"])
        for event in signed
    )
    assert kinds == {("Success", "Yes"): 23, ("Success", "No"): 12, ("Failure", "No"): 41}
    assert sum(event["userIdentity"]["type"] == "Root" for event in signed) == 1
    failed = next(e for e in signed if e["responseElements"]["ConsoleLogin"] == "Failure")
    assert "errorCode" not in failed
    assert failed["errorMessage"] in (
        "Failed authentication",
        "No username found in supplied account",
    )


def test_key_in_trail_and_findings(demo: DemoSummary) -> None:
    used = [
        event for event in trail(demo) if event["userIdentity"].get("accessKeyId") == KEY
    ]  # fmt: skip
    assert Counter(event["sourceIPAddress"] == ATTACKER for event in used)[True] == 479
    assert {e["sourceIPAddress"] for e in used} == {ATTACKER, "33.10.1.90"}
    first = min(
        (event for event in used if event["sourceIPAddress"] == ATTACKER),
        key=lambda event: event["eventTime"],
    )
    assert (first["eventName"], first["eventTime"]) == ("GetCallerIdentity", "2025-03-11T02:03:11Z")
    named = [line for line in lines(demo, "/GuardDuty/") if f'"accessKeyId":"{KEY}"' in line]
    assert len(named) == 14
    made = next(event for event in trail(demo) if event["eventName"] == "CreateAccessKey")
    assert made["responseElements"]["accessKey"]["accessKeyId"] == NEW_KEY
    assert made["responseElements"]["accessKey"]["createDate"] == "Mar 11, 2025, 2:24:31 AM"


def test_escalation_and_blinding(demo: DemoSummary) -> None:
    steps = [event for event in trail(demo) if event["sourceIPAddress"] == ATTACKER]
    attached = [e for e in steps if e["eventName"] == "AttachUserPolicy"]
    assert [e["requestParameters"]["userName"] for e in attached] == ["ci-deployer", "svc-backup"]
    assert {e["requestParameters"]["policyArn"] for e in attached} == {
        "arn:aws:iam::aws:policy/AdministratorAccess"
    }
    stopped = [e for e in steps if e["eventName"] == "StopLogging"]
    assert [e["errorCode"] for e in stopped] == ["AccessDenied", "AccessDenied"]
    assert stopped[0]["errorMessage"].endswith("with an explicit deny in a service control policy")
    opened = next(e for e in steps if e["eventName"] == "AuthorizeSecurityGroupIngress")
    rule = opened["requestParameters"]["ipPermissions"]["items"][0]
    assert (rule["fromPort"], rule["ipRanges"]["items"][0]["cidrIp"]) == (22, "0.0.0.0/0")
    assert opened["requestParameters"]["groupId"] == STORY.security_group


@pytest.mark.parametrize(
    "objects",
    [
        r"/CloudTrail/us-east-1/",
        r"/CloudTrail/ap-northeast-1/",
        r"/vpcflowlogs/us-east-1/",
        r"/vpcflowlogs/eu-central-1/",
        r"/WAFLogs/us-east-1/",
        r"/WAFLogs/cloudfront/",
        r"/GuardDuty/",
        r"/\d{12}_elasticloadbalancing_us-east-1_app\.",
        r"/conn_log\.",
        r"_halden-legacy_",
        r"/standard/",
        r"/realtime/",
        r"/halden-customer-exports/",
    ],
)
def test_attacker_is_everywhere(demo: DemoSummary, objects: str) -> None:
    address = re.compile(rf"(?<![\d.]){re.escape(ATTACKER)}(?![\d.])")
    assert any(address.search(line) for line in lines(demo, objects))


def test_copied_objects_in_both_logs(demo: DemoSummary) -> None:
    copied = {
        event["requestID"]: event["additionalEventData"]
        for event in trail(demo)
        if event["eventName"] == "GetObject"
        and event["sourceIPAddress"] == ATTACKER
        and "errorCode" not in event
    }
    logged = {
        row[5]: row
        for row in map(cut, lines(demo, f"/{BUCKET}/"))
        if row[3] == ATTACKER and row[6] == "REST.GET.OBJECT" and row[9] == "200"
    }
    assert len(copied) == 260
    assert copied.keys() == logged.keys()
    for request, data in copied.items():
        row = logged[request]
        assert (row[4], row[11], row[18]) == (
            "arn:aws:iam::111122223333:user/ci-deployer",
            str(data["bytesTransferredOut"]),
            data["x-amz-id-2"],
        )
    assert sum(data["bytesTransferredOut"] for data in copied.values()) > 15_000_000_000


def test_blocked_requests_in_firewall_and_balancer(demo: DemoSummary) -> None:
    blocked = {
        record["httpRequest"]["requestId"]: record
        for record in map(json.loads, lines(demo, "/WAFLogs/us-east-1/"))
        if record["httpRequest"]["clientIp"] == ATTACKER and record["action"] == "BLOCK"
    }
    refused = {
        row[17].strip('"').removeprefix("Root="): row
        for row in map(cut, lines(demo, r"/\d{12}_elasticloadbalancing_us-east-1_app\."))
        if row[3].startswith(ATTACKER) and row[8] == "403"
    }
    assert len(blocked) == 120
    assert blocked.keys() == refused.keys()
    assert {row[22] for row in refused.values()} == {'"waf"'}
    assert Counter(record["terminatingRuleId"] for record in blocked.values()) == {
        "AWS-AWSManagedRulesSQLiRuleSet": 80,
        "AWS-AWSManagedRulesCommonRuleSet": 40,
    }


def test_blocked_requests_in_firewall_and_cdn(demo: DemoSummary) -> None:
    blocked = {
        record["httpRequest"]["requestId"]
        for record in map(json.loads, lines(demo, "/WAFLogs/cloudfront/"))
        if record["httpRequest"]["clientIp"] == ATTACKER
    }
    refused = {
        row[14]
        for row in (line.split("\t") for line in lines(demo, "/standard/"))
        if len(row) == 33 and row[4] == ATTACKER and row[8] == "403"
    }
    assert len(blocked) == 56
    assert blocked == refused
    sampled = {line.split("\t")[11] for line in lines(demo, "/realtime/") if ATTACKER in line}
    assert sampled & refused


def test_bad_domain_and_what_follows(demo: DemoSummary) -> None:
    asked = [
        query
        for query in map(json.loads, lines(demo, "/vpcdnsquerylogs/"))
        if query["query_name"].endswith(DOMAIN + ".")
    ]
    assert {query["srcids"]["instance"] for query in asked} == {STORY.instance}
    assert {query["srcaddr"] for query in asked} == {"10.10.0.5"}
    assert Counter(
        (query["query_type"], query["rcode"], query.get("firewall_rule_action")) for query in asked
    ) == {
        ("A", "NOERROR", None): 35,
        ("A", "NXDOMAIN", "BLOCK"): 147,
        ("TXT", "NOERROR", "ALERT"): 90,
    }
    answers = {
        a["Rdata"] for query in asked if query["query_type"] == "A" for a in query["answers"]
    }
    assert answers == {HOME}
    sent = [
        row
        for row in (line.split(" ") for line in lines(demo, "/vpcflowlogs/us-east-1/"))
        if row[4] == HOME
    ]
    assert {(row[3], row[6], row[16]) for row in sent} == {("10.10.0.5", "443", STORY.instance)}
    assert Counter(row[12] for row in sent) == {"ACCEPT": 35, "REJECT": 147}
    assert sum(int(row[9]) for row in sent) > 800_000_000


def test_scan_and_opened_port(demo: DemoSummary) -> None:
    seen = [line.split(" ") for line in lines(demo, "/vpcflowlogs/") if f" {ATTACKER} 10." in line]
    evening = [row for row in seen if 1741646400 <= int(row[10]) < 1741651200]
    assert len({row[6] for row in evening if row[12] == "REJECT"}) == 95
    ssh = [row for row in seen if row[4] == "10.10.0.5" and row[6] == "22"]
    opened = 1741660880  # 2025-03-11T02:41:20Z
    assert {row[12] for row in ssh if int(row[10]) < opened} == {"REJECT"}
    assert {row[12] for row in ssh if opened < int(row[10]) < opened + 7200} == {"ACCEPT"}


def test_findings(demo: DemoSummary) -> None:
    found = [json.loads(line) for line in lines(demo, "/GuardDuty/")]
    assert {finding["schemaVersion"] for finding in found} == {"2.0"}
    assert Counter(finding["severity"] for finding in found) == {2: 26, 5: 12, 8: 14, 9.0: 2}
    assert sum(finding["service"]["action"] is None for finding in found) == 3
    assert sum(
        finding["service"]["additionalInfo"].get("sample") is True for finding in found
    ) == 1  # fmt: skip
    counts = [
        f["service"]["count"] for f in found if f["type"] == "Exfiltration:S3/AnomalousBehavior"
    ]
    assert sorted(counts) == [9, 140, 260]
    assert {f["type"] for f in found if f["severity"] == 9} == {
        "AttackSequence:IAM/CompromisedCredentials",
        "AttackSequence:S3/CompromisedData",
    }
    by_dns = next(f for f in found if f["type"] == "Backdoor:EC2/C&CActivity.B!DNS")
    assert by_dns["service"]["action"]["dnsRequestAction"]["domain"] == DOMAIN
    assert by_dns["resource"]["instanceDetails"]["instanceId"] == STORY.instance


def test_insights(demo: DemoSummary) -> None:
    records = [
        r for line in lines(demo, "/CloudTrail-Insight/") for r in json.loads(line)["Records"]
    ]
    assert Counter(
        (r["insightDetails"]["insightType"], r["insightDetails"]["state"]) for r in records
    ) == {
        ("ApiCallRateInsight", "Start"): 2,
        ("ApiCallRateInsight", "End"): 2,
        ("ApiErrorRateInsight", "Start"): 2,
        ("ApiErrorRateInsight", "End"): 2,
    }
    burst = next(r for r in records if r["insightDetails"]["eventName"] == "GetBucketAcl")
    blamed = burst["insightDetails"]["insightContext"]["attributions"][0]["insight"][0]["value"]
    assert blamed == "arn:aws:iam::111122223333:user/ci-deployer"


def test_digests_hold_the_hashes_of_the_log_files(demo: DemoSummary) -> None:
    named = [
        entry
        for line in lines(demo, "/CloudTrail-Digest/")
        for entry in json.loads(line)["logFiles"]
    ]
    assert len(named) == 48
    for entry in named:
        text = gzip.decompress((demo.logs / entry["s3Object"]).read_bytes())
        assert hashlib.sha256(text).hexdigest() == entry["hashValue"]


@pytest.mark.parametrize(
    ("address", "country", "city", "number", "owner"),
    [
        (ATTACKER, "IS", "Reykjavik", 64496, "Hrafn Example Hosting"),
        (HOME, "SC", "Victoria", 64497, "Coral Example Relay"),
        ("30.99.4.18", "PA", "Panama City", 64498, "Isthmus Example VPS"),
        ("33.10.1.17", "DE", "Hamburg", 65537, "Example Halden"),
        ("3ffe:2800::1", "JP", "Osaka", 64507, "Yodo Example Hikari"),
    ],
)
def test_places(
    demo: DemoSummary, address: str, country: str, city: str, number: int, owner: str
) -> None:
    with geoip2.database.Reader(demo.geoip_city) as reader:
        found = reader.city(address)
        assert (found.country.iso_code, found.city.name) == (country, city)
    with geoip2.database.Reader(demo.geoip_asn) as asn:
        answer = asn.asn(address)
        assert answer.autonomous_system_number == number
        assert answer.autonomous_system_organization == owner
    with maxminddb.open_database(demo.geoip_city) as raw:
        record: Any = raw.get(address)
        assert record["country"]["iso_code"] == country
        assert raw.get("8.8.8.8") is None


def test_databases_say_that_they_are_invented(demo: DemoSummary) -> None:
    for path, kind in (
        (demo.geoip_city, "siem-lake-demo-GeoLite2-City"),
        (demo.geoip_asn, "siem-lake-demo-GeoLite2-ASN"),
    ):
        with maxminddb.open_database(path) as reader:
            about = reader.metadata()
            assert about.database_type == kind
            assert about.description["en"].startswith("Invented demo data")
            assert about.build_epoch == 1741824000


def test_every_address_has_a_place(demo: DemoSummary) -> None:
    assert all(place.network.is_global for place in PLACES)
    found = set(_addresses("\n".join(lines(demo, r"vpcflow|standard|/CloudTrail/|WAFLogs"))))
    public = {address for address in found if ipaddress.ip_address(address).is_global}
    assert len(public) > 1500
    assert [address for address in sorted(public) if place_of(address) is None] == []


def _addresses(text: str) -> Iterator[str]:
    for found in re.findall(r"(?<![\w./-])\d{1,3}(?:\.\d{1,3}){3}(?![\w.-])", text):
        if all(int(part) < 256 for part in found.split(".")):
            yield found
