"""What alice.meyer did in the morning: every door shut, and next day the machine set apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lake.demo import story
from lake.demo.story import STORY
from lake.demo.trail_record import Call, Caller, role_identity
from lake.demo.trail_traffic import admin_role
from lake.demo.world import ALICE, EXPORTS, PRODUCTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.demo.trail_recon import Step


def contain() -> Iterator[Step]:
    """Keys off, user gone, port shut, bucket closed; then the machine."""
    mail = f"{ALICE.name}@halden.example"
    identity = role_identity(PRODUCTION, admin_role(), mail, story.CONTAINED - 400, mfa=True)
    alice = Caller(identity, ALICE.address, ALICE.agent)
    new, old = {"userName": STORY.new_user}, {"userName": STORY.stolen_user}
    base = {"bucketName": EXPORTS.name, "Host": EXPORTS.endpoint}
    off: dict[str, Any] = {"status": "Inactive"}
    for after, service, name, parameters in (
        (0, "iam", "UpdateAccessKey", {**old, **off, "accessKeyId": STORY.stolen_access_key}),
        (20, "iam", "UpdateAccessKey", {**new, **off, "accessKeyId": STORY.new_access_key}),
        (38, "iam", "DeleteLoginProfile", new),
        (55, "iam", "DetachUserPolicy", {**old, "policyArn": story.ADMINISTRATOR}),
        (70, "iam", "DetachUserPolicy", {**new, "policyArn": story.ADMINISTRATOR}),
        (
            140,
            "iam",
            "UpdateAssumeRolePolicy",
            {"roleName": STORY.backdoor_role, "policyDocument": "{}"},
        ),
        (210, "ec2", "RevokeSecurityGroupIngress", story.ssh_from_anywhere({})),
        (260, "s3", "DeleteBucketPolicy", {**base, "policy": ""}),
        (275, "s3", "PutBucketPublicAccessBlock", {**base, "publicAccessBlock": ""}),
        (960, "route53resolver", "UpdateFirewallRule", {"action": "BLOCK", "priority": 10}),
        (
            story.QUARANTINED - story.CONTAINED,
            "ec2",
            "ModifyInstanceAttribute",
            {
                "instanceId": STORY.instance,
                "groupSet": {"items": [{"groupId": "sg-0" + STORY.security_group[-16:]}]},
            },
        ),
        (
            story.QUARANTINED - story.CONTAINED + 30,
            "ec2",
            "CreateSnapshot",
            {"volumeId": "vol-0" + STORY.instance[-16:], "description": "evidence"},
        ),
    ):
        yield (
            story.CONTAINED + after,
            "us-east-1",
            alice,
            Call(service, name, parameters, {"_return": True} if service == "ec2" else None, False),
        )
