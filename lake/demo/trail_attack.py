"""The attack as CloudTrail saw it, call by call.

Everything carries the attacker's address. Until the escalation most is refused; after it nothing
is but what the organisation's own policy forbids: stopping the trail.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lake.demo import story
from lake.demo.chance import fixed_id, stream, written
from lake.demo.story import ATTACKER, STORY
from lake.demo.trail_recon import command, look_around, thief
from lake.demo.trail_record import (
    Call,
    Caller,
    TrailEvent,
    console_identity,
    denied,
    event,
    role_identity,
    user_identity,
)
from lake.demo.trail_response import contain
from lake.demo.trail_signins import console_login
from lake.demo.world import EXPORTS, PRODUCTION, detector_id

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from lake.demo.trail_recon import Step


_BY_POLICY = "with an explicit deny in a service control policy"


def attack_events(seed: int) -> list[TrailEvent]:
    """Every step of the story that CloudTrail records as a management event."""
    rng = stream(seed, "trail attack")
    events = [
        event(rng, at, PRODUCTION, region, who, call) for at, region, who, call in _steps(rng)
    ]
    for number in range(3):
        events.append(
            console_login(
                rng,
                story.CONSOLE + 9 * number,
                PRODUCTION,
                STORY.new_user,
                ATTACKER,
                story.ATTACKER_BROWSER,
                False,
                "Failed",
            )
        )
    events.append(
        console_login(
            rng,
            story.CONSOLE + 41,
            PRODUCTION,
            STORY.new_user,
            ATTACKER,
            story.ATTACKER_BROWSER,
            False,
        )
    )
    return events


def _steps(rng: random.Random) -> Iterator[Step]:
    yield from look_around(rng)
    yield from _escalate()
    yield from _blind()
    yield from _open_door()
    yield from _with_machine_role()
    yield from _bucket_opened()
    yield from contain()


def _escalate() -> Iterator[Step]:
    """Administrator, a user with a password and a key, and a role that trusts another account."""
    at = float(story.ESCALATION)
    user = STORY.new_user
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"AWS": ["arn:aws:iam::444455556666:root"]},
            }
        ],
    }
    new_key = {
        "accessKey": {
            "userName": user,
            "accessKeyId": STORY.new_access_key,
            "status": "Active",
            "createDate": written(at + 31),
        }
    }
    made = {
        "user": {
            "path": "/",
            "userName": user,
            "userId": fixed_id("AIDA", f"{PRODUCTION.id} {user}"),
            "arn": f"arn:aws:iam::{PRODUCTION.id}:user/{user}",
            "createDate": written(at + 22),
        }
    }
    profile = {
        "loginProfile": {
            "userName": user,
            "createDate": written(at + 44),
            "passwordResetRequired": False,
        }
    }
    for after, name, parameters, response in (
        (
            0,
            "AttachUserPolicy",
            {"userName": STORY.stolen_user, "policyArn": story.ADMINISTRATOR},
            None,
        ),
        (22, "CreateUser", {"userName": user}, made),
        (27, "AttachUserPolicy", {"userName": user, "policyArn": story.ADMINISTRATOR}, None),
        (31, "CreateAccessKey", {"userName": user}, new_key),
        (44, "CreateLoginProfile", {"userName": user, "passwordResetRequired": False}, profile),
        (
            71,
            "UpdateAssumeRolePolicy",
            {"roleName": STORY.backdoor_role, "policyDocument": json.dumps(trust)},
            None,
        ),
    ):
        yield (
            at + after,
            "us-east-1",
            thief(command("iam", name)),
            Call("iam", name, parameters, response, False),
        )


def _blind() -> Iterator[Step]:
    """CloudTrail, GuardDuty and the flow logs: the organisation's policy forbids all three."""
    user = f"arn:aws:iam::{PRODUCTION.id}:user/{STORY.stolen_user}"
    trail = f"arn:aws:cloudtrail:us-east-1:{PRODUCTION.id}:trail/{STORY.trail}"
    detector = detector_id(PRODUCTION, "us-east-1")
    detector_arn = f"arn:aws:guardduty:us-east-1:{PRODUCTION.id}:detector/{detector}"
    for after, service, name, parameters, resource in (
        (0, "cloudtrail", "StopLogging", {"name": STORY.trail}, trail),
        (6, "cloudtrail", "StopLogging", {"name": trail}, trail),
        (19, "cloudtrail", "DeleteTrail", {"name": STORY.trail}, trail),
        (38, "cloudtrail", "PutEventSelectors", {"trailName": STORY.trail}, trail),
        (60, "guardduty", "DeleteDetector", {"detectorId": detector}, detector_arn),
    ):
        error = denied(user, f"{service}:{name}", resource, _BY_POLICY)
        yield (
            story.BLINDING + after,
            "us-east-1",
            thief(command(service, name)),
            Call(service, name, parameters, None, False, error),
        )


def _open_door() -> Iterator[Step]:
    """Port 22 of the bastion for the whole world, and a key to go through it."""
    identity = console_identity(PRODUCTION, STORY.new_user, story.CONSOLE + 41, mfa=False)
    browser = Caller(identity, ATTACKER, story.ATTACKER_BROWSER)
    rule = story.ssh_from_anywhere({"items": [{"cidrIpv6": "::/0"}]})
    made = {
        "_return": True,
        "securityGroupRuleSet": {
            "items": [
                {
                    "groupOwnerId": PRODUCTION.id,
                    "groupId": STORY.security_group,
                    "securityGroupRuleId": "sgr-0" + STORY.security_group[-16:],
                    "isEgress": False,
                    "ipProtocol": "tcp",
                    "fromPort": 22,
                    "toPort": 22,
                    "cidrIpv4": "0.0.0.0/0",
                }
            ]
        },
    }
    yield (
        story.OPEN_PORT - 70,
        "us-east-1",
        browser,
        Call("ec2", "DescribeSecurityGroups", {"filterSet": {}}),
    )
    yield (
        story.OPEN_PORT,
        "us-east-1",
        browser,
        Call("ec2", "AuthorizeSecurityGroupIngress", rule, made, False),
    )
    yield (
        story.SHELL - 8,
        "us-east-1",
        thief("ec2-instance-connect.send-ssh-public-key"),
        Call(
            "ec2-instance-connect",
            "SendSSHPublicKey",
            {
                "instanceId": STORY.instance,
                "instanceOSUser": "ec2-user",
                "sSHPublicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExample",
            },
            {"success": True},
            False,
        ),
    )


def machine_role() -> dict[str, Any]:
    """The bastion's own role, as its stolen credentials name it."""
    return role_identity(
        PRODUCTION,
        "halden-bastion",
        STORY.instance,
        story.SHELL - 1800,
        STORY.instance_role_key,
        delivery="2.0",
    )


def _with_machine_role() -> Iterator[Step]:
    """The machine's credentials, used from Iceland."""
    arn = f"arn:aws:sts::{PRODUCTION.id}:assumed-role/halden-bastion/{STORY.instance}"
    for after, service, name, parameters, allowed in (
        (420, "sts", "GetCallerIdentity", None, True),
        (431, "s3", "ListBuckets", {"Host": "s3.amazonaws.com"}, False),
        (444, "secretsmanager", "ListSecrets", {"maxResults": 100}, True),
        (460, "secretsmanager", "GetSecretValue", {"secretId": "prod/orders/database"}, True),
        (475, "secretsmanager", "GetSecretValue", {"secretId": "prod/payments/api"}, False),
        (490, "ssm", "GetParameters", {"names": ["/shop/admin"], "withDecryption": True}, False),
    ):
        error = None if allowed else denied(arn, f"{service}:{name}", "*")
        agent = story.ATTACKER_CLI + command(service, name)
        yield (
            story.SHELL + after,
            "us-east-1",
            Caller(machine_role(), ATTACKER, agent),
            Call(service, name, parameters, None, True, error),
        )


def _bucket_opened() -> Iterator[Step]:
    """A way back to the exports, made with the new key: the bucket lets anybody read."""
    identity = user_identity(PRODUCTION, STORY.new_user, STORY.new_access_key)
    arn = f"arn:aws:s3:::{EXPORTS.name}"
    base = {"bucketName": EXPORTS.name, "Host": EXPORTS.endpoint}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/*"}
        ],
    }
    resources = (("AWS::S3::Bucket", arn),)
    yield (
        story.EXFILTRATION_END + 60,
        "us-east-1",
        Caller(identity, ATTACKER, f"{story.ATTACKER_CLI}s3api.delete-public-access-block"),
        Call(
            "s3",
            "DeleteBucketPublicAccessBlock",
            {**base, "publicAccessBlock": ""},
            None,
            False,
            resources=resources,
        ),
    )
    yield (
        story.EXFILTRATION_END + 75,
        "us-east-1",
        Caller(identity, ATTACKER, f"{story.ATTACKER_CLI}s3api.put-bucket-policy"),
        Call(
            "s3",
            "PutBucketPolicy",
            {**base, "policy": "", "bucketPolicy": policy},
            None,
            False,
            resources=resources,
        ),
    )
