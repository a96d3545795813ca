"""What GuardDuty found of the attack: about the stolen key, and about the machine they took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.demo import findings as parts
from lake.demo import story
from lake.demo.chance import fixed_hex, fixed_id
from lake.demo.findings import Finding
from lake.demo.story import ATTACKER, STORY, TAKEN
from lake.demo.world import PRODUCTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.demo.findings import Json

_US = "us-east-1"


def about_the_key() -> Iterator[Finding]:
    """What was done with the stolen access key."""
    new_user = parts.access_key(
        STORY.new_access_key,
        STORY.new_user,
        "IAMUser",
        fixed_id("AIDA", f"{PRODUCTION.id} {STORY.new_user}"),
    )
    yield from _calls_of_the_key(STORY.stolen_user)
    yield _first_login(new_user)
    yield from _about_the_bucket(STORY.stolen_user, new_user)
    yield from _sequences(STORY.stolen_user)


def _calls_of_the_key(user: str) -> Iterator[Finding]:
    first, gone = story.FIRST_CALL, story.ESCALATION
    for at, kind, severity, action, title, counts in (
        (
            first,
            "UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom",
            5,
            parts.api_call("sts", "GetCallerIdentity", ATTACKER),
            f"API GetCallerIdentity was invoked by {user} from a listed address.",
            (1, 40),
        ),
        (
            first + 3,
            "PenTest:IAMUser/KaliLinux",
            5,
            parts.api_call("sts", "GetCallerIdentity", ATTACKER),
            "API GetCallerIdentity was invoked from a computer running Kali Linux.",
            (1, 180),
        ),
        (
            first + 60,
            "Discovery:IAMUser/AnomalousBehavior",
            2,
            parts.api_call("ec2", "DescribeSnapshots", ATTACKER, "Client.UnauthorizedOperation"),
            f"User {user} is anomalously invoking APIs used in Discovery tactics.",
            (1, 96, 208),
        ),
        (
            gone,
            "PrivilegeEscalation:IAMUser/AnomalousBehavior",
            5,
            parts.api_call("iam", "AttachUserPolicy", ATTACKER),
            f"User {user} is anomalously invoking APIs used in PrivilegeEscalation tactics.",
            (2,),
        ),
        (
            gone + 22,
            "Persistence:IAMUser/AnomalousBehavior",
            5,
            parts.api_call("iam", "CreateAccessKey", ATTACKER),
            f"User {user} is anomalously invoking APIs used in Persistence tactics.",
            (4,),
        ),
        (
            story.BLINDING,
            "DefenseEvasion:IAMUser/AnomalousBehavior",
            5,
            parts.api_call("cloudtrail", "StopLogging", ATTACKER, "AccessDenied"),
            f"User {user} is anomalously invoking APIs used in DefenseEvasion tactics.",
            (1, 5),
        ),
    ):
        yield Finding(
            at,
            PRODUCTION,
            _US,
            kind,
            severity,
            title,
            f"{title} Calls came from {ATTACKER}.",
            parts.stolen_key(),
            action,
            counts=counts,
            every=900,
        )


def _first_login(new_user: Json) -> Finding:
    return Finding(
        story.CONSOLE + 41,
        PRODUCTION,
        _US,
        "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B",
        5,
        f"Unusual console login was seen for {STORY.new_user}.",
        f"A console login of {STORY.new_user} from {ATTACKER} was seen for the first time.",
        new_user,
        parts.api_call("signin", "ConsoleLogin", ATTACKER),
    )


def _about_the_bucket(user: str, new_user: Json) -> Iterator[Finding]:
    bucket = parts.bucket_resource(STORY.bucket)
    yield Finding(
        story.EXFILTRATION + 120,
        PRODUCTION,
        _US,
        "Exfiltration:S3/AnomalousBehavior",
        8,
        f"User {user} is anomalously invoking S3 APIs commonly used in Exfiltration tactics.",
        f"Objects of the bucket {STORY.bucket} were read from {ATTACKER} in unusual numbers.",
        bucket,
        parts.api_call("s3", "GetObject", ATTACKER),
        counts=(9, 140, 260),
        every=900,
    )
    yield Finding(
        story.EXFILTRATION_END + 75,
        PRODUCTION,
        _US,
        "Policy:S3/BucketAnonymousAccessGranted",
        8,
        f"Amazon S3 public anonymous access was granted for the bucket {STORY.bucket}.",
        f"Public anonymous access was granted for {STORY.bucket} by {STORY.new_user}.",
        bucket | {"accessKeyDetails": new_user["accessKeyDetails"]},
        parts.api_call("s3", "PutBucketPolicy", ATTACKER),
    )


def _sequences(user: str) -> Iterator[Finding]:
    for offset, kind, what in (
        (
            600,
            "AttackSequence:IAM/CompromisedCredentials",
            f"Potential credential compromise of IAMUser/{user}: a sequence of actions.",
        ),
        (
            2500,
            "AttackSequence:S3/CompromisedData",
            f"Potential data compromise of the bucket {STORY.bucket} by IAMUser/{user}.",
        ),
    ):
        yield Finding(
            story.ESCALATION + offset,
            PRODUCTION,
            _US,
            kind,
            9.0,
            what,
            f"{what}\nThe signals have the address {ATTACKER} in common.",
            {"resourceType": "AttackSequence"},
            None,
            details=_sequence(kind),
        )


def _sequence(kind: str) -> Json:
    """service.detection of an attack sequence: who, from where, and the findings it rests on."""
    signals = [
        {
            "uid": fixed_hex(f"signal {kind} {name}", 32),
            "type": "FINDING",
            "name": name,
            "severity": severity,
            "count": 1,
            "resourceUids": [fixed_hex("uid of the stolen key", 32)],
            "actorIds": [STORY.stolen_user],
        }
        for name, severity in (
            ("PenTest:IAMUser/KaliLinux", 5.0),
            ("PrivilegeEscalation:IAMUser/AnomalousBehavior", 5.0),
            ("DefenseEvasion:IAMUser/AnomalousBehavior", 5.0),
        )
    ]
    return {
        "featureName": "Correlation",
        "detection": {
            "sequence": {
                "uid": fixed_hex(f"sequence {kind}", 32),
                "description": "Calls of one key from one foreign address",
                "actors": [
                    {
                        "id": STORY.stolen_user,
                        "user": {
                            "name": STORY.stolen_user,
                            "type": "IAMUser",
                            "credentialUid": STORY.stolen_access_key,
                            "account": {"uid": PRODUCTION.id, "account": PRODUCTION.name},
                        },
                    }
                ],
                "endpoints": [
                    {
                        "id": "attacker",
                        "ip": ATTACKER,
                        "port": 0,
                        "location": {
                            "city": "Reykjavik",
                            "country": "Iceland",
                            "lat": 64.15,
                            "lon": -21.94,
                        },
                    }
                ],
                "signals": signals,
                "sequenceIndicators": [
                    {
                        "key": "ATTACK_TACTIC",
                        "values": [
                            "Discovery",
                            "Privilege Escalation",
                            "Defense Evasion",
                            "Exfiltration",
                        ],
                    },
                    {
                        "key": "HIGH_RISK_API",
                        "values": ["iam:AttachUserPolicy", "cloudtrail:StopLogging"],
                    },
                ],
            }
        },
    }


def about_the_machine() -> Iterator[Finding]:
    """What was done to the bastion, and what it did then."""
    resource = parts.instance(TAKEN)
    yield from _attempts(resource)
    yield from _beacons(resource)
    yield _credentials_abroad(resource)


def _attempts(resource: Json) -> Iterator[Finding]:
    name = TAKEN.instance
    yield Finding(
        story.SCAN,
        PRODUCTION,
        _US,
        "Recon:EC2/PortProbeUnprotectedPort",
        2,
        f"An unprotected port on EC2 instance {name} is being probed.",
        f"EC2 instance {name} has an unprotected port that is probed by {ATTACKER}.",
        resource,
        parts.port_probe(ATTACKER, (22, 443), TAKEN),
        counts=(1, 12),
    )
    yield Finding(
        story.OPEN_PORT - 900,
        PRODUCTION,
        _US,
        "UnauthorizedAccess:EC2/SSHBruteForce",
        2,
        f"{ATTACKER} is performing SSH brute force attacks against {name}.",
        f"{ATTACKER} is performing SSH brute force attacks against EC2 instance {name}.",
        resource,
        parts.connection("INBOUND", ATTACKER, 51822, 22),
        counts=(1, 12),
    )


def _beacons(resource: Json) -> Iterator[Finding]:
    name, domain, home = TAKEN.instance, STORY.bad_domain, STORY.bad_domain_address
    for kind, title, action, counts in (
        (
            "Backdoor:EC2/C&CActivity.B!DNS",
            f"Command and Control server domain name queried by EC2 instance {name}.",
            parts.dns_request(domain),
            (1, 18, 34),
        ),
        (
            "Trojan:EC2/DNSDataExfiltration",
            f"Data exfiltration through DNS queries from EC2 instance {name}.",
            parts.dns_request(f"x.{domain}"),
            (90,),
        ),
        (
            "Backdoor:EC2/C&CActivity.B",
            f"Command and Control server communicated with EC2 instance {name}.",
            parts.connection("OUTBOUND", home, 443, 44312),
            (1, 40),
        ),
        (
            "Behavior:EC2/TrafficVolumeUnusual",
            f"Unusually large amount of network traffic from EC2 instance {name} to {home}.",
            parts.connection("OUTBOUND", home, 443, 44312),
            (4,),
        ),
    ):
        at = (
            story.EXFILTRATION + 1200
            if "DNSData" in kind or "Volume" in kind
            else story.FIRST_BEACON
        )
        yield Finding(
            at,
            PRODUCTION,
            _US,
            kind,
            5 if "Volume" in kind else 8,
            title,
            f"{title} The other side is {domain} ({home}).",
            resource,
            action,
            actor=True,
            counts=counts,
            every=5400,
        )


def _credentials_abroad(resource: Json) -> Finding:
    name = TAKEN.instance
    role = parts.access_key(
        STORY.instance_role_key,
        "halden-bastion",
        "AssumedRole",
        fixed_id("AROA", f"{PRODUCTION.id} halden-bastion") + f":{name}",
    )
    return Finding(
        story.SHELL + 420,
        PRODUCTION,
        _US,
        "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        8,
        f"Credentials for the EC2 instance role halden-bastion were used from {ATTACKER}.",
        f"Credentials created for {name} were used from the external address {ATTACKER}.",
        role | {"instanceDetails": resource["instanceDetails"]},
        parts.api_call("secretsmanager", "GetSecretValue", ATTACKER),
        counts=(1, 6),
    )
