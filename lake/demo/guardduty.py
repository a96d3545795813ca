"""GuardDuty's findings about the attack, and the ones any account has; their export to S3.

Each finding names the same key, machine, bucket and addresses as the logs. Some are delivered
again with a higher count, one is a sample finding, two have no action, as malware findings do.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from lake.demo import findings as parts
from lake.demo.chance import fixed_hex, hex_id, moment, stream
from lake.demo.findings import Finding, Json
from lake.demo.findings_attack import about_the_key, about_the_machine
from lake.demo.objects import DemoObject, day_path, deliveries, gzip_lines
from lake.demo.story import STORY, TAKEN
from lake.demo.world import DEPOT, LOGISTICS, PRODUCTION, SHOP_EU, SHOP_US, host_named, hosts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_US = SHOP_US.region


def guardduty_objects(seed: int) -> Iterator[DemoObject]:
    """The findings of every account and region, one object every six hours that has any."""
    rng = stream(seed, "guardduty")
    places: dict[tuple[str, str], list[tuple[float, Json]]] = defaultdict(list)
    for finding in (*about_the_key(), *about_the_machine(), *_everyday()):
        places[finding.account.id, finding.region] += finding.deliveries()
    for (account, region), own in sorted(places.items(), key=lambda item: item[0]):
        for end, batch in deliveries(own, lambda item: item[0], 6):
            name = "-".join(hex_id(rng, digits) for digits in (8, 4, 4, 4, 12))
            key = f"AWSLogs/{account}/GuardDuty/{region}/{day_path(end)}/{name}.jsonl.gz"
            lines = [json.dumps(record, separators=(",", ":")) for _, record in batch]
            yield gzip_lines(key, "guardduty", lines)


def _everyday() -> Iterator[Finding]:
    """Findings that have nothing to do with the attack."""
    yield from _guessed_passwords(STORY.scanner_addresses)
    yield _root_login()
    yield _test_file()
    yield _anonymous_call(STORY.scanner_addresses[0])
    yield _sample()


def _guessed_passwords(scanner: Sequence[str]) -> Iterator[Finding]:
    for number, (host, account) in enumerate(
        (
            (host_named("eu-bastion"), PRODUCTION),
            (host_named("depot-bastion"), LOGISTICS),
            (TAKEN, PRODUCTION),
        )
    ):
        for day in (1, 2, 3):
            address = scanner[(number + day) % len(scanner)]
            yield Finding(
                moment(day, 3 + 5 * number, 17),
                account,
                host.vpc.region,
                "UnauthorizedAccess:EC2/SSHBruteForce",
                2,
                f"{address} is performing SSH brute force attacks against {host.instance}.",
                f"{address} is performing SSH brute force attacks against {host.instance}.",
                parts.instance(host),
                parts.connection("INBOUND", address, 40000 + day, 22, host),
                counts=(1, 30 + 9 * day),
            )


def _root_login() -> Finding:
    root = parts.access_key("", "Root", "Root", LOGISTICS.id)
    return Finding(
        moment(1, 1, 44, 9),
        LOGISTICS,
        _US,
        "Policy:IAMUser/RootCredentialUsage",
        2,
        "API ConsoleLogin was invoked using root credentials.",
        "API ConsoleLogin was invoked using root credentials from 33.10.2.23.",
        root,
        parts.api_call("signin", "ConsoleLogin", "33.10.2.23"),
    )


def _test_file() -> Finding:
    app = hosts_of(DEPOT, "app")[0]
    return Finding(
        moment(1, 13, 5),
        LOGISTICS,
        DEPOT.region,
        "Execution:EC2/MaliciousFile",
        8,
        f"A malicious file was detected on EC2 instance {app.instance}.",
        f"The scan of {app.instance} found the EICAR test file.",
        parts.instance(app),
        None,
        details=_scan(),
    )


def _anonymous_call(address: str) -> Finding:
    cluster = {
        "name": "shop-eu",
        "arn": f"arn:aws:eks:{SHOP_EU.region}:{PRODUCTION.id}:cluster/shop-eu",
        "vpcId": SHOP_EU.id,
        "status": "ACTIVE",
        "createdAt": 1701000000.0,
        "tags": [],
    }
    return Finding(
        moment(3, 6, 40),
        PRODUCTION,
        SHOP_EU.region,
        "Discovery:Kubernetes/SuccessfulAnonymousAccess",
        5,
        "A Kubernetes API commonly used in Discovery tactics was called by an anonymous user.",
        "The API was called by system:anonymous on the EKS cluster shop-eu.",
        {
            "resourceType": "EKSCluster",
            "eksClusterDetails": cluster,
            "kubernetesDetails": {
                "kubernetesUserDetails": {
                    "username": "system:anonymous",
                    "groups": ["system:unauthenticated"],
                }
            },
        },
        {
            "actionType": "KUBERNETES_API_CALL",
            "kubernetesApiCallAction": {
                "requestUri": "/version",
                "verb": "get",
                "sourceIPs": [address],
                "userAgent": "zgrab/0.x",
                "statusCode": 200,
                "remoteIpDetails": parts.remote(address),
            },
        },
        counts=(1, 3),
    )


def _sample() -> Finding:
    return Finding(
        moment(1, 9, 30),
        PRODUCTION,
        SHOP_EU.region,
        "CryptoCurrency:EC2/BitcoinTool.B!DNS",
        8,
        "[SAMPLE] Bitcoin-related domain name queried by EC2 instance i-99999999.",
        "[SAMPLE] EC2 instance i-99999999 is querying a Bitcoin-related domain name.",
        {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-99999999"}},
        parts.dns_request("GeneratedFindingDomainName"),
        actor=True,
        sample=True,
    )


def _scan() -> Json:
    """service.ebsVolumeScanDetails of a malware finding."""
    eicar = {
        "name": "EICAR-Test-File",
        "severity": "HIGH",
        "itemCount": 1,
        "filePaths": [
            {
                "filePath": "tmp/eicar.com",
                "fileName": "eicar.com",
                "volumeArn": f"arn:aws:ec2:{DEPOT.region}:{LOGISTICS.id}:volume/vol-0"
                + fixed_hex("scanned volume", 16),
                "hash": fixed_hex("eicar", 64),
            }
        ],
    }
    return {
        "featureName": "EbsVolumeScan",
        "ebsVolumeScanDetails": {
            "scanId": fixed_hex("scan", 32),
            "scanStartedAt": "2025-03-10T12:58:02.000Z",
            "scanCompletedAt": "2025-03-10T13:04:41.000Z",
            "triggerFindingId": fixed_hex("trigger", 32),
            "sources": ["Bitdefender"],
            "scanDetections": {
                "scannedItemCount": {"totalGb": 8, "files": 31044, "volumes": 1},
                "threatsDetectedItemCount": {"files": 1},
                "highestSeverityThreatDetails": {
                    "severity": "HIGH",
                    "threatName": "EICAR-Test-File",
                    "count": 1,
                },
                "threatDetectedByName": {
                    "itemCount": 1,
                    "uniqueThreatNameCount": 1,
                    "shortened": False,
                    "threatNames": [eicar],
                },
            },
        },
    }
