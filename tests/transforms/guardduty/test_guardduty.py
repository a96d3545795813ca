"""GuardDuty findings: every kind of action, both spellings, updates, samples, attack sequences."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rows import filled

from lake.stage.preview import Preview, preview

Json = dict[str, Any]
KEY = "AWSLogs/123456789012/GuardDuty/us-west-2/2024/02/01/x.jsonl.gz"
SHARED = Path(__file__).resolve().parents[4] / "shared"
MISSING = object()


def remote(address: str) -> Json:
    name = "ipAddressV6" if ":" in address else "ipAddressV4"
    return {
        name: address,
        "organization": {"asn": "64500", "asnOrg": "Example", "isp": "Example", "org": "Example"},
        "country": {"countryName": "Sweden"},
        "city": {"cityName": "Linköping"},
        "geoLocation": {"lat": 58.4, "lon": 15.6},
    }


INSTANCE: Json = {
    "resourceType": "Instance",
    "instanceDetails": {
        "instanceId": "i-0123456789abcdef0",
        "instanceType": "m5.large",
        "availabilityZone": "us-west-2a",
        "networkInterfaces": [
            {
                "privateIpAddress": "10.0.0.5",
                "privateDnsName": "ip-10-0-0-5.ec2.internal",
                "publicIp": "52.1.1.1",
                "ipv6Addresses": ["2001:DB8::5"],
                "vpcId": "vpc-1",
                "subnetId": "subnet-1",
            }
        ],
        "tags": [{"key": "Name", "value": "web"}],
    },
}
CALLER: Json = {
    "resourceType": "AccessKey",
    "accessKeyDetails": {
        "accessKeyId": "ASIAX",
        "principalId": "AROAX:bob",
        "userName": "deploy",
        "userType": "AssumedRole",
    },
}
CONNECTION: Json = {
    "remoteIpDetails": remote("89.160.20.112"),
    "remotePortDetails": {"port": 51234, "portName": "Unknown"},
    "localPortDetails": {"port": 22, "portName": "SSH"},
    "localIpDetails": {"ipAddressV4": "10.0.0.5"},
    "protocol": "TCP",
    "blocked": False,
}


def finding(kind: str, action: Json | None, resource: Json = INSTANCE, **more: Any) -> Json:  # noqa: ANN401
    service: Json = {
        "serviceName": "guardduty",
        "detectorId": "d",
        "action": action,
        "eventFirstSeen": "2024-02-01T09:00:00Z",
        "eventLastSeen": "2024-02-01T10:00:00Z",
        "archived": False,
        "count": 3,
    }
    return {
        "schemaVersion": "2.0",
        "accountId": "012345678901",
        "region": "us-west-2",
        "id": "f1",
        "type": kind,
        "resource": resource,
        "severity": more.pop("severity", 5),
        "createdAt": "2024-02-01T09:00:00.000Z",
        "updatedAt": more.pop("updatedAt", "2024-02-01T10:00:00.123Z"),
        "title": "Something was seen.",
        "description": "At length.",
        "service": service | more,
    }


def read(*findings: Json) -> Preview:
    return preview("\n".join(json.dumps(f) for f in findings).encode(), KEY)


def row_of(one: Json) -> Json:
    found = read(one)
    assert found.rejects == []
    (row,) = found.rows
    return row


def at(row: Any, path: str) -> Any:  # noqa: ANN401
    for name in path.split("."):
        row = None if row is None else row.get(name)
    return row


def net(direction: str) -> Json:
    return {
        "actionType": "NETWORK_CONNECTION",
        "networkConnectionAction": CONNECTION | {"connectionDirection": direction},
    }


def api(**more: Any) -> Json:  # noqa: ANN401
    call = {"api": "ListUsers", "serviceName": "iam.amazonaws.com", "callerType": "Remote IP"}
    return {"actionType": "AWS_API_CALL", "awsApiCallAction": call | more}


DNS = {
    "actionType": "DNS_REQUEST",
    "dnsRequestAction": {"domain": "evil.example", "protocol": "UDP", "blocked": True},
}
PROBES = {
    "actionType": "PORT_PROBE",
    "portProbeAction": {
        "blocked": False,
        "portProbeDetails": [
            {"localPortDetails": {"port": 22}, "remoteIpDetails": remote("89.160.20.112")},
            {"localPortDetails": {"port": 80}, "remoteIpDetails": remote("2001:db8::9")},
        ],
    },
}
KUBERNETES = {
    "actionType": "KUBERNETES_API_CALL",
    "kubernetesApiCallAction": {
        "requestUri": "/api/v1/pods?limit=500",
        "verb": "create",
        "sourceIPs": ["89.160.20.112", "203.0.113.7"],
        "userAgent": "kubectl/v1.29.0",
        "statusCode": 403,
        "remoteIpDetails": remote("89.160.20.112"),
    },
}
RDS = {
    "actionType": "RDS_LOGIN_ATTEMPT",
    "rdsLoginAttemptAction": {
        "remoteIpDetails": remote("89.160.20.112"),
        "LoginAttributes": [
            {"user": "admin", "failedLoginAttempts": 9, "successfulLoginAttempts": 0},
            {"user": "root", "failedLoginAttempts": 2, "successfulLoginAttempts": 1},
        ],
    },
}
CASES: list[tuple[str, Json, Json]] = [
    (
        "a connection from outside",
        finding("UnauthorizedAccess:EC2/SSHBruteForce", net("INBOUND"), severity=2),
        {
            "@timestamp": datetime(2024, 2, 1, 10, 0, 0, 123000, UTC),
            "event.kind": "alert",
            "event.category": ["intrusion_detection"],
            "event.type": ["info"],
            "event.action": "NETWORK_CONNECTION",
            "event.id": "f1",
            "event.severity": 2.0,
            "event.start": datetime(2024, 2, 1, 9, tzinfo=UTC),
            "event.end": datetime(2024, 2, 1, 10, tzinfo=UTC),
            "cloud.account.id": "012345678901",
            "cloud.region": "us-west-2",
            "cloud.instance.id": "i-0123456789abcdef0",
            "cloud.instance.name": "web",
            "cloud.machine.type": "m5.large",
            "cloud.vpc.id": "vpc-1",
            "source.ip": "89.160.20.112",
            "source.port": 51234,
            "destination.ip": "10.0.0.5",
            "destination.port": 22,
            "destination.nat.ip": "52.1.1.1",
            "network.direction": "inbound",
            "network.transport": "tcp",
            "rule.id": "UnauthorizedAccess:EC2/SSHBruteForce",
            "rule.name": "Something was seen",
            "rule.description": "At length.",
            "related.ip": ["10.0.0.5", "2001:db8::5", "52.1.1.1", "89.160.20.112"],
            "native.severitylabel": "low",
            "native.ThreatPurpose": "UnauthorizedAccess",
            "native.ResourceTypeAffected": "EC2",
            "native.ThreatFamilyName": "SSHBruteForce",
            "native.DetectionMechanism": None,
        },
    ),
    (
        "a connection from inside: our side is the source",
        finding("CryptoCurrency:EC2/BitcoinTool.B", net("OUTBOUND")),
        {
            "event.category": ["malware"],
            "source.ip": "10.0.0.5",
            "source.port": 22,
            "source.nat.ip": "52.1.1.1",
            "destination.ip": "89.160.20.112",
            "destination.port": 51234,
            "destination.nat.ip": None,
            "network.direction": "outbound",
            "native.DetectionMechanism": "B",
        },
    ),
    (
        "a file that is known to be malware was run",
        finding("Execution:Runtime/MaliciousFileExecuted", None),
        {"event.category": ["malware"], "threat.tactic.name": ["Execution"]},
    ),
    (
        "a miner was run",
        finding("Impact:Runtime/CryptoMinerExecuted", None),
        {"event.category": ["malware"], "threat.tactic.name": ["Impact"]},
    ),
    (
        "a custom detection rule: defenses",
        finding("DefenseImpairment:EC2/DisableOrModifyTools", api()),
        {"threat.tactic.id": ["TA0112"], "threat.tactic.name": ["Defense Impairment"]},
    ),
    (
        "a custom detection rule: movement",
        finding("LateralMovement:EC2/RemoteServices", api()),
        {"threat.tactic.id": ["TA0008"], "threat.framework": "MITRE ATT&CK"},
    ),
    (
        "a custom detection rule: preparation",
        finding("ResourceDevelopment:SES/CompromiseAccounts", api()),
        {"threat.tactic.id": ["TA0042"], "native.ResourceTypeAffected": "SES"},
    ),
    (
        "a binary of nobody known was run",
        finding("Execution:Runtime/NewBinaryExecuted", None),
        {"event.category": ["intrusion_detection"]},
    ),
    (
        "a direction that AWS does not know",
        finding("Behavior:EC2/NetworkPortUnusual", net("UNKNOWN")),
        {"network.direction": "unknown", "source.ip": "89.160.20.112"},
    ),
    (
        "a DNS request",
        finding("Backdoor:EC2/C&CActivity.B!DNS", DNS),
        {
            "event.category": ["malware"],
            "event.type": ["denied"],
            "source.ip": "10.0.0.5",
            "destination.ip": None,
            "destination.domain": "evil.example",
            "destination.address": "evil.example",
            "dns.question.name": "evil.example",
            "network.direction": "outbound",
            "network.transport": "udp",
            "network.protocol": "dns",
            "related.hosts": ["evil.example", "ip-10-0-0-5.ec2.internal"],
            "native.ThreatFamilyName": "C&CActivity",
            "native.DetectionMechanism": "B",
            "native.Artifact": "DNS",
        },
    ),
    (
        "port probes, all of them",
        finding("Recon:EC2/PortProbeUnprotectedPort", PROBES),
        {
            "source.ip": "89.160.20.112",
            "destination.port": 22,
            "network.direction": "inbound",
            "related.ip": ["10.0.0.5", "2001:db8::5", "2001:db8::9", "52.1.1.1", "89.160.20.112"],
        },
    ),
    (
        "an API call: a caller, no direction, no local end",
        finding(
            "Recon:IAMUser/MaliciousIPCaller.Custom",
            api(remoteIpDetails=remote("2001:DB8::1"), errorCode="AccessDenied"),
            CALLER,
        ),
        {
            "event.outcome": "failure",
            "error.code": "AccessDenied",
            "network.direction": None,
            "source.ip": "2001:db8::1",
            "destination.ip": None,
            "user.name": "deploy",
            "user.id": "AROAX:bob",
            "user.type": "AssumedRole",
            "user.session.name": "bob",
            "user.access_key.id": "ASIAX",
            "user.roles": ["deploy"],
            "related.user": ["bob", "deploy"],
        },
    ),
    (
        "a session whose name holds a colon",
        finding(
            "Persistence:IAMUser/AnomalousBehavior",
            api(),
            {
                "resourceType": "AccessKey",
                "accessKeyDetails": {"principalId": "AROAX:dev:team", "userType": "AssumedRole"},
            },
        ),
        {"user.id": "AROAX:dev:team", "user.session.name": "dev:team"},
    ),
    (
        "a caller of whom nothing is known but the kind",
        finding(
            "Discovery:S3/AnomalousBehavior",
            api(),
            {
                "resourceType": "AccessKey",
                "accessKeyDetails": {
                    "accessKeyId": "",
                    "principalId": "",
                    "userName": "",
                    "userType": "AWSAccount",
                },
            },
        ),
        {
            "user.name": None,
            "user.id": None,
            "user.access_key.id": None,
            "user.type": "AWSAccount",
            "related.user": None,
        },
    ),
    (
        "a lookup seen at run time, whose protocol is a number or unknown",
        finding(
            "CryptoCurrency:Runtime/BitcoinTool.B!DNS",
            {
                "actionType": "DNS_REQUEST",
                "dnsRequestAction": {"domain": "pool.example", "protocol": "0"},
            },
        ),
        {"dns.question.name": "pool.example", "network.transport": None},
    ),
    (
        "an API call that a service made",
        finding(
            "PrivilegeEscalation:IAMUser/AdministrativePermissions",
            api(callerType="Domain", domainDetails={"domain": "cloudformation.amazonaws.com"}),
            CALLER,
        ),
        {
            "event.outcome": "success",
            "source.address": "cloudformation.amazonaws.com",
            "source.domain": "cloudformation.amazonaws.com",
            "source.ip": None,
            "threat.tactic.id": ["TA0004"],
            "threat.tactic.name": ["Privilege Escalation"],
        },
    ),
    (
        "a Kubernetes API call",
        finding(
            "Execution:Kubernetes/ExecInKubeSystemPod",
            KUBERNETES,
            {
                "resourceType": "EKSCluster",
                "eksClusterDetails": {"name": "prod", "vpcId": "vpc-9"},
                "kubernetesDetails": {
                    "kubernetesUserDetails": {"username": "system:anonymous", "uid": "u1"}
                },
            },
        ),
        {
            "related.user": ["system:anonymous"],
            "event.outcome": "failure",
            "source.ip": "89.160.20.112",
            "network.direction": None,
            "user.name": "system:anonymous",
            "user.id": "u1",
            "url.original": "/api/v1/pods?limit=500",
            "url.path": "/api/v1/pods",
            "url.query": "limit=500",
            "user_agent.original": "kubectl/v1.29.0",
            "cloud.vpc.id": "vpc-9",
            "related.ip": ["203.0.113.7", "89.160.20.112"],
            "native.resource.eksClusterDetails.name": "prod",
        },
    ),
    (
        "a Kubernetes API call of an IAM role",
        finding(
            "PrivilegeEscalation:Kubernetes/AnomalousBehavior.WorkloadDeployed",
            KUBERNETES,
            CALLER
            | {
                "kubernetesDetails": {
                    "kubernetesUserDetails": {"username": "deployer", "uid": "u2"}
                }
            },
        ),
        {"user.name": "deploy", "related.user": ["bob", "deploy", "deployer"]},
    ),
    (
        "a function in a VPC",
        finding(
            "Backdoor:Lambda/C&CActivity.B",
            {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": CONNECTION},
            {
                "resourceType": "Lambda",
                "lambdaDetails": {"functionName": "f", "vpcConfig": {"vpcId": "vpc-7"}},
            },
        ),
        {"cloud.vpc.id": "vpc-7"},
    ),
    (
        "a login to a database",
        finding(
            "CredentialAccess:RDS/AnomalousBehavior.SuccessfulBruteForce",
            RDS,
            {
                "resourceType": "RDSDBInstance",
                "rdsDbInstanceDetails": {"dbInstanceIdentifier": "db-1"},
                "rdsDbUserDetails": {"user": "root"},
            },
        ),
        {
            "event.outcome": "success",
            "user.name": "root",
            "related.user": ["admin", "root"],
            "network.direction": "inbound",
            "source.ip": "89.160.20.112",
            "native.resource.rdsDbInstanceDetails.dbInstanceIdentifier": "db-1",
        },
    ),
    (
        "a malicious object, without an action",
        finding(
            "Object:S3/MaliciousFile",
            None,
            {
                "resourceType": "S3Object",
                "s3BucketDetails": [
                    {"name": "uploads", "s3ObjectDetails": [{"key": "a/b.exe", "hash": "ab" * 32}]}
                ],
            },
            severity=8,
            malwareScanDetails={
                "threats": [
                    {"name": "EICAR", "itemDetails": [{"additionalInfo": {"versionId": "v1"}}]}
                ]
            },
        ),
        {
            "event.action": None,
            "event.category": ["malware"],
            "network.direction": None,
            "file.path": "s3://uploads/a/b.exe",
            "threat.software.name": "EICAR",
            "native.severitylabel": "high",
            "native.ThreatPurpose": "Object",
            "native.service.malwareScanDetails.threats": [
                {
                    "name": "EICAR",
                    "source": None,
                    "count": None,
                    "hash": None,
                    "itemPaths": None,
                    "itemDetails": [
                        {
                            "resourceArn": None,
                            "itemPath": None,
                            "hash": None,
                            "additionalInfo": '{"versionId":"v1"}',
                        }
                    ],
                }
            ],
        },
    ),
    (
        "an infected volume",
        finding(
            "Execution:EC2/MaliciousFile",
            None,
            ebsVolumeScanDetails={
                "scanDetections": {
                    "threatDetectedByName": {
                        "threatNames": [
                            {
                                "name": "Linux.Miner",
                                "filePaths": [
                                    {"filePath": "tmp/x", "hash": "cd" * 32},
                                    {"filePath": "tmp/y", "hash": "ce" * 32},
                                ],
                            }
                        ]
                    }
                }
            },
        ),
        {
            "file.path": "tmp/x",
            "file.hash.sha256": "cd" * 32,
            "related.hash": ["cd" * 32, "ce" * 32],
            "threat.software.name": "Linux.Miner",
            "source.ip": None,
            "destination.ip": None,
            "host.ip": ["10.0.0.5", "2001:db8::5", "52.1.1.1"],
        },
    ),
    (
        "a process",
        finding(
            "CryptoCurrency:Runtime/BitcoinTool.B",
            None,
            runtimeDetails={
                "process": {
                    "name": "xmrig",
                    "executablePath": "/tmp/xmrig",  # noqa: S108
                    "executableSha256": "ef" * 32,
                    "pid": 4711,
                    "user": "www-data",
                    "parentUuid": "u2",
                    "lineage": [
                        {"name": "bash", "pid": 4700, "uuid": "u2"},
                        {"name": "sshd", "pid": 1, "uuid": "u1"},
                    ],
                },
                "context": {"addressFamily": "ipv4"},
            },
        ),
        {
            "process.name": "xmrig",
            "process.executable": "/tmp/xmrig",  # noqa: S108
            "process.pid": 4711,
            "related.hash": ["ef" * 32],
            "related.user": ["www-data"],
            "process.parent.name": "bash",
            "process.parent.pid": 4700,
            "process.command_line": None,
            "native.service.runtimeDetails.context": '{"addressFamily":"ipv4"}',
        },
    ),
    (
        "what a process ran and loaded",
        finding(
            "Execution:Runtime/SuspiciousCommand",
            None,
            runtimeDetails={
                "process": {"name": "sh", "pid": 12},
                "context": {
                    "commandLineExample": "sh -c id",
                    "scriptPath": "/opt/x.sh",
                    "threatFilePath": "/opt/x.bin",
                    "moduleSha256": "ab" * 32,
                },
            },
        ),
        {
            "process.command_line": "sh -c id",
            "process.parent.name": None,
            "file.path": "/opt/x.bin",
            "related.hash": ["ab" * 32],
        },
    ),
    (
        "anomalous behaviour, whose user agent and bucket stand beside the call",
        finding(
            "Exfiltration:S3/AnomalousBehavior",
            api(errorCode="AccessDenied", affectedResources={"AWS::S3::Bucket": "vault"}),
            CALLER,
            additionalInfo={"userAgent": {"fullUserAgent": "aws-cli/2.15.0"}, "type": "default"},
        ),
        {
            "user_agent.original": "aws-cli/2.15.0",
            "related.buckets": ["vault"],
            "event.outcome": "failure",
        },
    ),
    (
        "the same with its additional information as text, and an agent that is empty",
        finding(
            "Exfiltration:S3/AnomalousBehavior",
            api(userAgent=""),
            CALLER,
            additionalInfo={"value": '{"userAgent":{"fullUserAgent":"aws-cli/2.15.0"}}'},
        ),
        {"user_agent.original": "aws-cli/2.15.0", "related.buckets": None},
    ),
    (
        "additional information that is no JSON",
        finding("Recon:IAMUser/X", api(userAgent=""), CALLER, additionalInfo={"value": "none {"}),
        {"user_agent.original": None},
    ),
    (
        "a generated domain beside the one that was asked for",
        finding("Trojan:EC2/DGADomainRequest.B", DNS, additionalInfo={"domain": "x7f.example"}),
        {
            "dns.question.name": "evil.example",
            "related.hosts": ["evil.example", "ip-10-0-0-5.ec2.internal", "x7f.example"],
        },
    ),
    (
        "a login attempt without its counts",
        finding(
            "CredentialAccess:RDS/MaliciousIPCaller.FailedLogin",
            {"actionType": "RDS_LOGIN_ATTEMPT", "rdsLoginAttemptAction": {}},
            {"resourceType": "RDSDBInstance", "rdsDbUserDetails": {"user": "root"}},
        ),
        {"event.outcome": "failure", "user.name": "root"},
    ),
    (
        "an attack sequence",
        finding(
            "AttackSequence:IAM/CompromisedCredentials",
            None,
            {"resourceType": "AttackSequence"},
            severity=9.5,
            detection={
                "sequence": {
                    "uid": "s1",
                    "actors": [
                        {
                            "id": "USER:1",
                            "user": {
                                "name": "john",
                                "uid": "AIDA1",
                                "type": "IAMUser",
                                "credentialUid": "AKIA1",
                                "account": {"uid": "111122223333", "account": "shop"},
                            },
                        }
                    ],
                    "endpoints": [
                        {"id": "e", "ip": "198.51.100.9", "location": {"lat": 1.5, "lon": -2.5}},
                        {"id": "f", "domain": "x.example"},
                    ],
                    "sequenceIndicators": [
                        {"key": "ATTACK_TACTIC", "values": ["Discovery", "Odd", "Impact"]},
                        {
                            "key": "ATTACK_TECHNIQUE",
                            "values": ["T1562.008 - Impair Defenses", "T1078", "Data Destruction"],
                        },
                        {"key": "TOR_IP", "values": ["198.51.100.44", "not an address"]},
                        {"key": "MALICIOUS_DOMAIN", "values": ["y.example"]},
                    ],
                    "signals": [{"uid": "g", "severity": 5.0}],
                    "resources": [
                        {
                            "uid": "arn:aws:s3:::exports",
                            "name": "exports",
                            "resourceType": "S3_BUCKET",
                        },
                        {
                            "uid": "arn:aws:ec2:us-west-2:111122223333:instance/i-0abc",
                            "resourceType": "EC2_INSTANCE",
                        },
                        {
                            "uid": "eni-0abc",
                            "resourceType": "EC2_NETWORK_INTERFACE",
                            "data": {
                                "ec2NetworkInterface": {
                                    "publicIp": "203.0.113.7",
                                    "ipv6Addresses": ["2001:DB8::7"],
                                    "privateIpAddresses": [{"privateIpAddress": "10.0.0.7"}],
                                }
                            },
                        },
                        {"uid": "arn:aws:s3:::plans/2024/a b", "resourceType": "S3_OBJECT"},
                        {
                            "uid": "arn:aws:eks:us-west-2:111122223333:cluster/c",
                            "resourceType": "EKS_CLUSTER",
                            "data": {
                                "eksCluster": {
                                    "ec2InstanceUids": [
                                        "arn:aws:ec2:us-west-2:111122223333:instance/i-0def"
                                    ]
                                }
                            },
                        },
                        {
                            "uid": "AKIA2",
                            "resourceType": "ACCESS_KEY",
                            "data": {"accessKey": {"userName": "mary", "userType": "IAMUser"}},
                        },
                    ],
                }
            },
        ),
        {
            "event.severity": 9.5,
            "user.name": "john",
            "user.id": "AIDA1",
            "user.access_key.id": "AKIA1",
            "related.ip": [
                "10.0.0.7", "198.51.100.44", "198.51.100.9", "2001:db8::7", "203.0.113.7",
            ],
            "related.hosts": ["i-0abc", "i-0def", "x.example", "y.example"],
            "related.user": ["john", "mary"],
            "related.buckets": ["exports", "plans"],
            "related.access_keys": ["AKIA2"],
            "threat.framework": "MITRE ATT&CK",
            "threat.tactic.id": ["TA0007", "TA0040"],
            "threat.tactic.name": ["Discovery", "Odd", "Impact"],
            "threat.technique.id": ["T1562.008", "T1078"],
            "threat.technique.name": ["Impair Defenses", "Data Destruction"],
            "native.severitylabel": "critical",
            "native.ThreatFamilyName": "CompromisedCredentials",
            "native.service.detection.sequence.signals": '[{"uid":"g","severity":5.0}]',
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("one", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_finding_of_each_kind(one: Json, expected: Json) -> None:
    row = row_of(one)
    assert {path: at(row, path) for path in expected} == expected


API_NAMES = {
    "kubernetesApiCallAction.sourceIPs": "SourceIps",
    "location.lat": "Latitude",
    "location.lon": "Longitude",
    "account.account": "Name",
}


def pascal(value: Any, within: str = "") -> Any:  # noqa: ANN401
    """As the API and its clients write it."""
    if isinstance(value, list):
        return [pascal(v, within) for v in value]
    if isinstance(value, dict):
        return {
            API_NAMES.get(f"{within}.{n}", n[0].upper() + n[1:]): pascal(v, n)
            for n, v in value.items()
        }
    return value


@pytest.mark.parametrize("one", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_pascal_case_gives_the_same_row_and_keeps_its_own_text(one: Json) -> None:
    written = json.dumps(pascal(one))
    found = preview(f'{{"Findings":[{written}]}}'.encode(), "exported/findings.json")
    (row,) = found.rows
    plain = row_of(one)
    assert row["event"].pop("original") == written
    assert plain["event"].pop("original") != written
    for event in (row["event"], plain["event"]):
        event.pop("ingested")
    row.pop("log"), plain.pop("log")
    assert row == plain


@pytest.mark.parametrize(
    ("severity", "label"),
    [
        (0.1, "low"),
        (2, "low"),
        (3.9, "low"),
        (4, "medium"),
        (6.9, "medium"),
        (7, "high"),
        (8.9, "high"),
        (9, "critical"),
        (10, "critical"),
        (None, None),
    ],
)
def test_severity_stays_a_number_and_gets_a_label(
    severity: float | None, label: str | None
) -> None:
    row = row_of(finding("Recon:EC2/Portscan", net("OUTBOUND"), severity=severity))
    assert (row["event"]["severity"], row["native"]["severitylabel"]) == (severity, label)


@pytest.mark.parametrize(
    ("info", "sample"),
    [
        ({"sample": True}, True),
        ({"value": '{"sample":true}', "type": "default"}, True),
        ({"sample": False}, False),
        ({"value": "{}", "type": "default"}, None),
        (None, None),
    ],
)
def test_sample_findings_are_kept_and_flagged(info: Json | None, sample: bool | None) -> None:
    row = row_of(finding("Recon:EC2/Portscan", net("OUTBOUND"), additionalInfo=info))
    assert row["native"]["service"]["additionalInfo"]["sample"] is sample


def test_an_updated_finding_is_a_new_version_and_the_same_one_is_not() -> None:
    first = finding("Recon:EC2/Portscan", net("OUTBOUND"))
    later = finding("Recon:EC2/Portscan", net("OUTBOUND"), count=4)
    newer = finding("Recon:EC2/Portscan", net("OUTBOUND"), updatedAt="2024-02-01T11:00:00.000Z")
    hashes = [
        r["event"]["hash"] for r in read(first, later, newer, dict(reversed(first.items()))).rows
    ]
    assert len(set(hashes)) == 3
    assert hashes[0] == hashes[3]


def test_eventbridge_and_export_give_the_same_identity() -> None:
    one = finding("Recon:EC2/Portscan", net("OUTBOUND"))
    event = {
        "version": "0",
        "id": "e1",
        "detail-type": "GuardDuty Finding",
        "source": "aws.guardduty",
        "account": "999999999999",
        "time": "2024-02-01T10:05:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": one,
    }
    (row,) = preview(json.dumps(event).encode(), "guardduty-events/x.json").rows
    assert row["event"]["hash"] == row_of(one)["event"]["hash"]
    assert row["cloud"]["account"]["id"] == "012345678901"
    assert row["cloud"]["region"] == "us-west-2"


def test_what_aws_says_of_the_place_stays_its_own() -> None:
    row = row_of(finding("UnauthorizedAccess:EC2/SSHBruteForce", net("INBOUND")))
    native = row["native"]["service"]["action"]["networkConnectionAction"]["remoteIpDetails"]
    assert native["geoLocation"] == {"lat": 58.4, "lon": 15.6}
    assert native["country"] == {"countryCode": None, "countryName": "Sweden"}
    assert row["source"]["geo"] is None or not any(
        v for v in row["source"]["geo"].values() if not isinstance(v, dict)
    )


def test_a_record_that_is_no_finding_is_rejected() -> None:
    found = read(finding("Recon:EC2/Portscan", net("OUTBOUND")), {"hello": "world"})
    assert len(found.rows) == 1
    assert [(r.position, r.reason) for r in found.rejects] == [(2, "no record of guardduty")]


def test_a_finding_without_a_time_is_rejected() -> None:
    one = finding("Recon:EC2/Portscan", net("OUTBOUND"), updatedAt=None)
    one["createdAt"] = None
    one["service"]["eventLastSeen"] = "soon"
    found = read(one)
    assert found.rows == []
    assert [r.reason for r in found.rejects] == ["no valid time"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared with the corpus is not there")
def test_every_event_of_the_corpus_is_a_row() -> None:
    with (SHARED / "corpus" / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        objects = [r for r in csv.DictReader(file, delimiter="\t") if r["source"] == "guardduty"]
    assert objects
    for entry in objects:
        found = preview((SHARED / "corpus" / entry["s3_key"]).read_bytes(), entry["s3_key"])
        assert (len(found.rows), found.rejects) == (int(entry["events"]), []), entry["s3_key"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared with the samples is not there")
def test_the_samples_of_every_kind() -> None:
    data = gzip.decompress((SHARED / "samples" / "guardduty" / "findings.jsonl.gz").read_bytes())
    found = preview(data, KEY)
    assert [r["native"]["severitylabel"] for r in found.rows] == [
        "low", "high", "high", "medium", "low", "high", "critical", "medium", "medium",
    ]  # fmt: skip
    assert [at(r, "network.direction") for r in found.rows] == [
        "inbound", "outbound", "outbound", None, "inbound", None, None, None, None,
    ]  # fmt: skip


def test_an_empty_address_of_one_family_is_none() -> None:
    """Findings of AWS have both members, of which one is empty."""
    caller = remote("2001:db8::1") | {"ipAddressV4": ""}
    action = api(remoteIpDetails=caller)
    found = preview(json.dumps(finding("Recon:IAMUser/X", action, CALLER)).encode(), KEY)
    assert found.rows[0]["source"]["ip"] == "2001:db8::1"


def test_a_kubernetes_user_without_an_id() -> None:
    user = {"kubernetesUserDetails": {"username": "system:anonymous", "uid": ""}}
    one = finding("Execution:Kubernetes/X", KUBERNETES, {"kubernetesDetails": user})
    assert "id" not in filled(row_of(one)["user"])


def test_all_that_a_scan_found() -> None:
    """Of every threat, in both lists, and of the object itself."""
    threats = [
        {"name": "T1", "itemDetails": [{"itemPath": "p", "hash": "aa11"}]},
        {"name": "T2", "itemPaths": [{"nestedItemPath": "", "hash": "bb22"}]},
    ]
    bucket = {"name": "b", "s3ObjectDetails": [{"key": "e.com", "hash": "cc33"}]}
    found = finding(
        "Object:S3/MaliciousFile",
        None,
        {"resourceType": "S3Object", "s3BucketDetails": [bucket]},
        malwareScanDetails={"threats": threats},
    )
    (row,) = preview(json.dumps(found).encode(), KEY).rows
    assert row["related"]["hash"] == ["aa11", "bb22", "cc33"]
    assert filled(row["file"]) == {"path": "s3://b/e.com", "hash": {"sha256": "aa11"}}
    found = finding("Execution:EC2/MaliciousFile", None, malwareScanDetails={"threats": threats})
    (row,) = preview(json.dumps(found).encode(), KEY).rows
    assert row["file"]["path"] == "p"
