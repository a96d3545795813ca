"""Whence a CloudTrail call came and what it was about: addresses, hosts, instances, buckets."""

from __future__ import annotations

from typing import Any

import pytest
from cloudtrail_records import ROLE_SESSION, at, given, read, record, row

INSTANCES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("ssm", "UpdateInstanceInformation", {"requestParameters": {"instanceId": "i-01"}}, ["i-01"]),
    (
        "ec2",
        "RunInstances",
        {
            "responseElements": {
                "instancesSet": {"items": [{"instanceId": "i-02"}, {"instanceId": "i-01"}]}
            }
        },
        ["i-02", "i-01"],
    ),
    (
        "ec2",
        "StopInstances",
        {"requestParameters": {"instancesSet": {"items": [{"instanceId": "i-03"}]}}},
        ["i-03"],
    ),
    (
        "ec2",
        "DescribeInstanceCreditSpecifications",
        {
            "requestParameters": {
                "DescribeInstanceCreditSpecificationsRequest": {
                    "InstanceId": {"tag": 1, "content": "i-04"}
                }
            }
        },
        ["i-04"],
    ),
    (
        "ec2",
        "AssociateIamInstanceProfile",
        {"requestParameters": {"AssociateIamInstanceProfileRequest": {"InstanceId": "i-05"}}},
        ["i-05"],
    ),
    (
        "ec2",
        "ModifyInstanceMetadataOptions",
        {
            "requestParameters": {
                "ModifyInstanceMetadataOptionsRequest": {
                    "HttpTokens": "optional",
                    "InstanceId": "i-055",
                }
            },
            "responseElements": {"ModifyInstanceMetadataOptionsResponse": {"instanceId": "i-055"}},
        },
        ["i-055"],
    ),
    ("ssm", "GetConnectionStatus", {"requestParameters": {"target": "mi-06"}}, ["mi-06"]),
    ("ssm", "PutComplianceItems", {"requestParameters": {"resourceId": "i-07"}}, ["i-07"]),
    (
        "ssm",
        "SendCommand",
        {"requestParameters": {"instanceIds": ["i-08", "i-09"]}},
        ["i-08", "i-09"],
    ),
    (
        "ssm",
        "SendCommand",
        {"requestParameters": {"targets": [{"key": "InstanceIds", "values": ["i-11", "i-12"]}]}},
        ["i-11", "i-12"],
    ),
    (
        "ssm",
        "CreateAssociation",
        {
            "requestParameters": {
                "targets": [
                    {"key": "instanceids", "values": ["i-13"]},
                    {"key": "tag:Name", "values": ["web"]},
                ]
            }
        },
        ["i-13"],
    ),
    ("ssm", "OpenControlChannel", {"requestParameters": {"targetId": "i-14"}}, ["i-14"]),
    (
        "ec2",
        "DeleteTags",
        {
            "requestParameters": {
                "resourcesSet": {"items": [{"resourceId": "vol-1"}, {"resourceId": "i-15"}]},
                "tagSet": {"items": [{"key": "owner"}]},
            }
        },
        ["i-15"],
    ),
    (
        "sts",
        "AssumeRole",
        {
            "userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
            "userAgent": "ec2.amazonaws.com",
            "requestParameters": {"roleSessionName": "i-10"},
        },
        ["i-10"],
    ),
    ("connect", "DescribeInstance", {"requestParameters": {"instanceId": "d4f2b8e0-1"}}, []),
]


@pytest.mark.parametrize(
    ("source", "name", "members", "instances"), INSTANCES, ids=[i[1] for i in INSTANCES]
)
def test_instances(source: str, name: str, members: dict[str, Any], instances: list[str]) -> None:
    found = row(source, name, **members)
    assert at(found, "cloud.instance.id") == (instances[0] if instances else None)
    assert (at(found, "related.hosts") or []) == sorted(instances)


@pytest.mark.parametrize(
    ("issued_to", "parameters", "hosts"),
    [
        ("arn:aws:ec2:eu-central-1:111122223333:instance/i-0abc", None, ["i-0abc"]),
        (
            "arn:aws:ec2:eu-central-1:111122223333:instance/i-0abc",
            {"instanceId": "i-1"},
            ["i-0abc", "i-1"],
        ),
        ("arn:aws:ssm:eu-central-1:111122223333:managed-instance/mi-0d", None, ["mi-0d"]),
        ("arn:aws:lambda:eu-central-1:111122223333:function:instance/x", None, None),
    ],
)
def test_the_instance_whose_credentials_are_used(
    issued_to: str, parameters: dict[str, Any] | None, hosts: list[str] | None
) -> None:
    scope = {"credentialsIssuedTo": issued_to, "credentialsIssuedToVersion": f"{issued_to}:1"}
    identity = ROLE_SESSION | {"inScopeOf": scope}
    found = row(userIdentity=identity, requestParameters=parameters)
    assert at(found, "related.hosts") == hosts
    assert given(at(found, "native.userIdentity.inScopeOf")) == scope


def test_cloudhsm_hosts() -> None:
    found = row(
        "cloudhsm",
        "CreateHsm",
        responseElements={"hsm": {"hsmId": "hsm-1", "clusterId": "cluster-1"}},
    )
    assert at(found, "cloud.instance.id") == "hsm-1"
    assert at(found, "related.hosts") == ["cluster-1", "hsm-1"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("cloudformation.amazonaws.com", None),
        ("AWS Internal", None),
    ],
)
def test_service_names_stay_addresses(text: str, address: str | None) -> None:
    found = row(sourceIPAddress=text)
    assert (at(found, "source.address"), at(found, "source.ip")) == (text, address)


def test_of_forwarded_addresses_the_first_is_the_callers() -> None:
    found = row("grafana", "login", sourceIPAddress="198.51.100.7, 10.0.0.8")
    assert at(found, "source.address") == "198.51.100.7, 10.0.0.8"
    assert at(found, "source.ip") == "198.51.100.7"
    assert at(found, "related.ip") == ["10.0.0.8", "198.51.100.7"]


def test_the_client_of_a_file_system_stands_in_the_details() -> None:
    found = row(
        "elasticfilesystem",
        "NewClientConnection",
        eventType="AwsServiceEvent",
        sourceIPAddress="AWS Internal",
        serviceEventDetails={"permissions": {"ClientMount": True}, "sourceIpAddress": "10.0.0.9"},
    )
    assert (at(found, "source.address"), at(found, "source.ip")) == ("10.0.0.9", "10.0.0.9")


def test_the_address_that_a_tunnel_leads_to_is_related() -> None:
    asked = {"instanceConnectEndpointId": "eice-1", "remotePort": "22"}
    own = "198.51.100.7"
    for address, related in [("10.0.0.9", ["10.0.0.9", own]), ("x", [own]), (None, [own])]:
        found = row(
            "ec2-instance-connect",
            "OpenTunnel",
            requestParameters=asked | ({"privateIpAddress": address} if address else {}),
        )
        assert at(found, "related.ip") == related


ADDRESSES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "ec2",
        "AssociateAddress",
        {"requestParameters": {"publicIp": "203.0.113.9"}},
        ["203.0.113.9"],
    ),
    ("ec2", "AllocateAddress", {"responseElements": {"publicIp": "203.0.113.9"}}, ["203.0.113.9"]),
    (
        "ec2",
        "RunInstances",
        {
            "responseElements": {
                "instancesSet": {
                    "items": [
                        {
                            "privateIpAddress": "10.0.0.77",
                            "macAddress": "0a:1b:2c:3d:4e:5f",
                            "ipv6Address": "2001:0db8:0:0::77",
                        }
                    ]
                }
            }
        },
        ["10.0.0.77", "2001:db8::77"],
    ),
    (  # one address, not a network
        "ec2",
        "AuthorizeSecurityGroupIngress",
        {
            "requestParameters": {
                "ipPermissions": {
                    "items": [
                        {
                            "ipRanges": {
                                "items": [
                                    {"cidrIp": "203.0.113.5/32"},
                                    {"cidrIp": "0.0.0.0/0"},
                                    {"cidrIp": "203.0.113.0/24", "description": "for 192.0.2.1"},
                                ]
                            },
                            "ipv6Ranges": {
                                "items": [
                                    {"cidrIpv6": "2001:db8::5/128"},
                                    {"cidrIpv6": "2001:db8::/32"},
                                ]
                            },
                        }
                    ]
                }
            }
        },
        ["2001:db8::5", "203.0.113.5"],
    ),
    (
        "wafv2",
        "UpdateIPSet",
        {"requestParameters": {"addresses": ["203.0.113.6/32", "203.0.113.64/26"]}},
        ["203.0.113.6"],
    ),
    (
        "ssm",
        "UpdateInstanceInformation",
        {"requestParameters": {"iPAddress": "10.0.0.9"}},
        ["10.0.0.9"],
    ),
    # a version looks like one
    ("ssm", "UpdateInstanceInformation", {"requestParameters": {"agentVersion": "3.2.1.0"}}, []),
    ("ec2", "DescribeAddresses", {"requestParameters": {"publicIp": "203.0.113.9"}}, []),
]


@pytest.mark.parametrize(("source", "name", "members", "addresses"), ADDRESSES)
def test_the_addresses_that_a_call_is_about_are_related(
    source: str, name: str, members: dict[str, Any], addresses: list[str]
) -> None:
    found = row(source, name, **members)
    assert at(found, "related.ip") == sorted(["198.51.100.7", *addresses])


def test_the_name_that_an_agent_tells_of_its_instance_is_related() -> None:
    asked = {"instanceId": "i-01", "computerName": "web-1.example.com"}
    found = row("ssm", "UpdateInstanceInformation", requestParameters=asked)
    assert at(found, "related.hosts") == ["i-01", "web-1.example.com"]


def test_a_name_that_is_pointed_elsewhere_is_related_with_what_it_is_pointed_at() -> None:
    changes = [
        {
            "action": "UPSERT",
            "resourceRecordSet": {
                "name": "www.example.com.",
                "type": "A",
                "resourceRecords": [{"value": "203.0.113.44"}],
            },
        },
        {
            "action": "CREATE",
            "resourceRecordSet": {
                "name": "example.com",
                "type": "A",
                "aliasTarget": {"dNSName": "dexample.cloudfront.net."},
            },
        },
    ]
    asked = {"hostedZoneId": "Z1", "changeBatch": {"changes": changes}}
    found = row("route53", "ChangeResourceRecordSets", requestParameters=asked)
    names = ["dexample.cloudfront.net", "example.com", "www.example.com"]
    assert at(found, "related.hosts") == names
    assert at(found, "related.ip") == ["198.51.100.7", "203.0.113.44"]


def test_an_agents_channel_names_its_instance_as_a_resource() -> None:
    arn = "arn:aws:ssmmessages:eu-central-1:111122223333:control-channel/i-01"
    for instance, resources in [("i-01", [{"ARN": arn}]), (None, None)]:
        found = row("ssm", "CreateControlChannel", eventCategory="Data", resources=resources)
        assert at(found, "cloud.instance.id") == instance


@pytest.mark.parametrize(
    ("written", "version"), [("TLSv1.3", "1.3"), ("1.3", "1.3"), ("-", None), ("unknown", None)]
)
def test_tls_versions(written: str, version: str | None) -> None:
    found = row(tlsDetails={"tlsVersion": written})
    assert at(found, "tls.version") == version
    assert at(found, "tls.version_protocol") == ("tls" if version else None)


@pytest.mark.parametrize(
    ("taken_from", "buckets"),
    [
        ("vault/a/b.txt", ["copies", "vault"]),
        ("/vault/a%20b.txt", ["copies", "vault"]),
        ("arn:aws:s3:eu-central-1:111122223333:accesspoint/ap/object/a", ["copies"]),
    ],
)
def test_a_copy_relates_both_buckets(taken_from: str, buckets: list[str]) -> None:
    asked = {"bucketName": "copies", "key": "b.txt", "x-amz-copy-source": taken_from}
    found = row("s3", "CopyObject", eventCategory="Data", requestParameters=asked)
    assert at(found, "related.buckets") == buckets
    assert at(found, "file.path") == "s3://copies/b.txt"


def test_s3_objects_are_files() -> None:
    found = row(
        "s3",
        "GetObject",
        eventCategory="Data",
        managementEvent=False,
        requestParameters={"bucketName": "evidence", "key": "a b/c.txt", "Host": "x"},
        resources=[{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::evidence/a b/c.txt"}],
    )
    assert at(found, "file.path") == "s3://evidence/a b/c.txt"
    assert given(at(found, "native.resources")[0]) == {
        "type": "AWS::S3::Object",
        "ARN": "arn:aws:s3:::evidence/a b/c.txt",
    }


@pytest.mark.parametrize(
    ("told", "taken", "given_out"),
    [
        ({"bytesTransferredIn": 0, "bytesTransferredOut": 5242880}, 0, 5242880),
        ({"bytesTransferredIn": 77.0}, 77, None),
        ({"bytesTransferredOut": "many"}, None, None),
        (None, None, None),
    ],
)
def test_the_bytes_of_an_object(
    told: dict[str, Any] | None, taken: int | None, given_out: int | None
) -> None:
    asked = {"bucketName": "evidence", "key": "a"}
    found = row("s3", "GetObject", requestParameters=asked, additionalEventData=told)
    assert at(found, "http.request.body.bytes") == taken
    assert at(found, "http.response.body.bytes") == given_out


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        (
            "PutBucketReplication",
            {
                "ReplicationConfiguration": {
                    "Role": "arn:aws:iam::111122223333:role/copy",
                    "Rule": {"Destination": {"Bucket": "arn:aws:s3:::far-away"}},
                }
            },
        ),
        (
            "PutBucketLogging",
            {"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "far-away"}}},
        ),
    ],
)
def test_a_bucket_that_another_one_writes_to_is_related(name: str, asked: dict[str, Any]) -> None:
    found = row("s3", name, requestParameters={"bucketName": "evidence"} | asked)
    assert at(found, "related.buckets") == ["evidence", "far-away"]


def test_account_of_an_old_record_comes_from_the_key_or_the_caller() -> None:
    old = record(recipientAccountId=None, userIdentity=ROLE_SESSION | {"accountId": "000000000012"})
    (with_key,) = read(old).rows
    (without,) = read(old, key="downloads/event_history.json").rows
    assert at(with_key, "cloud.account.id") == "111122223333"
    assert at(without, "cloud.account.id") == "000000000012"


def test_an_empty_account_or_region_is_none() -> None:
    """As where the record has no such member: its key names them."""
    empty = record(recipientAccountId="", awsRegion="")
    (found,) = read(empty).rows
    assert at(found, "cloud.account.id") == "111122223333"
    assert at(found, "cloud.region") == "eu-central-1"


@pytest.mark.parametrize(
    ("header", "address", "domain"),
    [
        ("sts.amazonaws.com:443", "sts.amazonaws.com:443", "sts.amazonaws.com"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443", "2001:db8::1"),
        ("-", None, None),
    ],
)
def test_the_host_that_a_caller_wrote(header: str, address: str | None, domain: str | None) -> None:
    found = row("sts", "GetCallerIdentity", tlsDetails={"clientProvidedHostHeader": header})
    assert at(found, "destination.address") == address
    assert at(found, "destination.domain") == domain
    assert at(found, "tls.client.server_name") == domain


def test_spot_instances_that_were_taken_back() -> None:
    found = row(
        name="BidEvictedEvent",
        eventType="AwsServiceEvent",
        serviceEventDetails={"instanceIdSet": ["i-1eb2ac8eEXAMPLE", "i-2eb2ac8eEXAMPLE"]},
    )
    assert at(found, "cloud.instance.id") == "i-1eb2ac8eEXAMPLE"
    assert at(found, "related.hosts") == ["i-1eb2ac8eEXAMPLE", "i-2eb2ac8eEXAMPLE"]
