"""API calls of CloudTrail: which there are, how often, and what they say beside who called.

A call's details are made of its number (skewed: 0 most often) and of 200 hexadecimal digits of
chance; the members are those of CloudTrail's record for the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.made.place import Place

Details = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """`weight` says how often; `details` gives requestParameters and whatever else it has."""

    service: str
    name: str
    weight: float
    details: Callable[[Place, int, str], Details]
    data: bool = False

    @property
    def reads(self) -> bool:
        return self.name.startswith(("Get", "Describe", "List", "Decrypt"))


def _describe(place: Place, number: int, chance: str) -> Details:
    tags = [{"name": "tag:stage", "valueSet": {"items": [{"value": "production"}]}}]
    return {
        "requestParameters": {
            "maxResults": 1_000,
            "instancesSet": {"items": [{"instanceId": f"i-{chance[:17]}"}]},
            "filterSet": {"items": tags},
        }
    }


def _assume(place: Place, number: int, chance: str) -> Details:
    role = f"arn:aws:iam::{place.account}:role/service-{number % 40}"
    return {
        "requestParameters": {"roleArn": role, "roleSessionName": f"run-{chance[:8]}"},
        "responseElements": {
            "credentials": {
                "accessKeyId": f"ASIA{chance[:16].upper()}",
                "sessionToken": chance * 2,
                "expiration": "Mar 11, 2025, 4:00:00 AM",
            },
            "assumedRoleUser": {"arn": f"{role}/run-{chance[:8]}"},
        },
        "resources": [{"accountId": place.account, "type": "AWS::IAM::Role", "ARN": role}],
    }


def _object(place: Place, number: int, chance: str) -> Details:
    bucket = f"bench-data-{number % 200}"
    key = f"year={2020 + number % 6}/{chance[:12]}.parquet"
    return {
        "requestParameters": {
            "bucketName": bucket,
            "Host": f"{bucket}.s3.{place.region}.amazonaws.com",
            "key": key,
        },
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": 0,
            "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": chance[12:88],
            "bytesTransferredOut": int(chance[:5], 16),
        },
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
            {
                "accountId": place.account,
                "type": "AWS::S3::Bucket",
                "ARN": f"arn:aws:s3:::{bucket}",
            },
        ],
    }


def _decrypt(place: Place, number: int, chance: str) -> Details:
    key = f"arn:aws:kms:{place.region}:{place.account}:key/{chance[:8]}-{chance[8:12]}"
    context = {"aws:s3:arn": f"arn:aws:s3:::bench-data-{number % 200}"}
    return {
        "requestParameters": {
            "encryptionContext": context,
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "keyId": key,
        },
        "resources": [{"accountId": place.account, "type": "AWS::KMS::Key", "ARN": key}],
    }


def _sign_in(place: Place, number: int, chance: str) -> Details:
    return {
        "responseElements": {"ConsoleLogin": "Failure" if number % 3 == 0 else "Success"},
        "additionalEventData": {
            "LoginTo": "https://console.aws.amazon.com/console/home?isauthcode=true",
            "MobileVersion": "No",
            "MFAUsed": "Yes" if number % 2 else "No",
        },
    }


def _run(place: Place, number: int, chance: str) -> Details:
    image, instance = f"ami-{chance[:17]}", f"i-{chance[17:34]}"
    started = {
        "instanceId": instance,
        "imageId": image,
        "instanceState": {"code": 0, "name": "pending"},
        "privateIpAddress": f"10.0.{number % 250}.{int(chance[:2], 16) % 250 + 1}",
        "instanceType": "m7g.large",
    }
    return {
        "requestParameters": {
            "instancesSet": {"items": [{"imageId": image, "minCount": 1, "maxCount": 1}]},
            "instanceType": "m7g.large",
            "subnetId": f"subnet-{chance[34:51]}",
        },
        "responseElements": {
            "reservationId": f"r-{chance[51:68]}",
            "ownerId": place.account,
            "instancesSet": {"items": [started]},
        },
    }


def _policy(place: Place, number: int, chance: str) -> Details:
    policy = ("ReadOnlyAccess", "AmazonS3FullAccess", "AdministratorAccess")[number % 3]
    return {
        "requestParameters": {
            "roleName": f"service-{number % 40}",
            "policyArn": f"arn:aws:iam::aws:policy/{policy}",
        }
    }


def _parameter(place: Place, number: int, chance: str) -> Details:
    return {"requestParameters": {"name": f"/bench/{number}/secret", "withDecryption": True}}


def _item(place: Place, number: int, chance: str) -> Details:
    table = f"orders-{number % 20}"
    arn = f"arn:aws:dynamodb:{place.region}:{place.account}:table/{table}"
    return {
        "requestParameters": {"tableName": table, "key": {"id": {"S": chance[:12]}}},
        "resources": [{"accountId": place.account, "type": "AWS::DynamoDB::Table", "ARN": arn}],
    }


def _named(place: Place, number: int, chance: str) -> Details:
    return {"requestParameters": {"name": f"thing-{number}", "limit": 50}}


CALLS = (
    Call("ec2", "DescribeInstances", 22, _describe),
    Call("sts", "AssumeRole", 18, _assume),
    Call("s3", "GetObject", 12, _object, data=True),
    Call("kms", "Decrypt", 10, _decrypt),
    Call("s3", "PutObject", 6, _object, data=True),
    Call("ssm", "GetParameter", 5, _parameter),
    Call("dynamodb", "GetItem", 5, _item, data=True),
    Call("logs", "CreateLogStream", 4, _named),
    Call("iam", "GetRole", 4, _named),
    Call("lambda", "Invoke", 4, _named, data=True),
    Call("cloudformation", "DescribeStacks", 4, _named),
    Call("signin", "ConsoleLogin", 3, _sign_in),
    Call("iam", "AttachRolePolicy", 2, _policy),
    Call("ec2", "RunInstances", 1, _run),
)
