"""How the attacker looks around with the stolen key: a script that asks every service in every
region, and is mostly refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lake.demo import story
from lake.demo.story import ATTACKER, STORY
from lake.demo.trail_record import Call, Caller, denied, user_identity
from lake.demo.world import BUCKETS, PRODUCTION

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

Look = tuple[str, str, dict[str, Any] | None, bool]
Step = tuple[float, str, Caller, Call]  # seconds, region, who, what

_EC2_DENIED = (
    "Client.UnauthorizedOperation",
    "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/"
    "ci-deployer is not authorized to perform this action because no identity-based policy "
    "allows it",
)
_LOOKS: tuple[Look, ...] = (  # service, call, what would be asked, allowed
    ("iam", "ListUsers", None, False),
    ("iam", "ListRoles", None, False),
    ("iam", "ListGroups", None, False),
    ("iam", "ListPolicies", {"scope": "Local", "onlyAttached": False}, False),
    ("iam", "GetAccountAuthorizationDetails", None, False),
    ("iam", "GetAccountSummary", None, False),
    ("iam", "ListAttachedUserPolicies", {"userName": STORY.stolen_user}, True),
    ("iam", "ListUserPolicies", {"userName": STORY.stolen_user}, True),
    ("iam", "GetAccountPasswordPolicy", None, False),
    ("iam", "ListInstanceProfiles", None, False),
    ("organizations", "DescribeOrganization", None, False),
    ("organizations", "ListAccounts", None, False),
    ("support", "DescribeCases", None, False),
    ("s3", "ListBuckets", {"Host": "s3.amazonaws.com"}, True),
)
_LOOKS_EVERYWHERE: tuple[Look, ...] = (
    ("ec2", "DescribeInstances", {"filterSet": {}, "instancesSet": {}}, True),
    ("ec2", "DescribeSecurityGroups", {"filterSet": {}}, False),
    ("ec2", "DescribeVpcs", {"filterSet": {}, "vpcSet": {}}, False),
    ("ec2", "DescribeSnapshots", {"ownersSet": {"items": [{"owner": "self"}]}}, False),
    ("ec2", "DescribeKeyPairs", {"filterSet": {}, "keySet": {}}, False),
    ("ec2", "DescribeRegions", {"regionSet": {}, "allRegions": True}, True),
    ("lambda", "ListFunctions20150331", None, False),
    ("rds", "DescribeDBInstances", None, False),
    ("rds", "DescribeDBSnapshots", None, False),
    ("secretsmanager", "ListSecrets", None, False),
    ("ssm", "DescribeParameters", None, False),
    ("ssm", "DescribeInstanceInformation", None, False),
    ("kms", "ListKeys", None, False),
    ("dynamodb", "ListTables", None, False),
    ("ecr", "DescribeRepositories", None, True),
    ("eks", "ListClusters", None, False),
    ("guardduty", "ListDetectors", None, False),
    ("cloudtrail", "DescribeTrails", {"includeShadowTrails": True}, True),
    ("cloudtrail", "GetTrailStatus", {"name": STORY.trail}, False),
    ("config", "DescribeConfigurationRecorders", None, False),
    ("logs", "DescribeLogGroups", None, False),
    ("sns", "ListTopics", None, False),
    ("sqs", "ListQueues", None, False),
)
_BUCKET_LOOKS = (
    "GetBucketAcl",
    "GetBucketPolicy",
    "GetBucketVersioning",
    "GetBucketLogging",
)


def command(service: str, name: str) -> str:
    """A call as the command line names it in its user agent: s3api.get-bucket-acl."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|\d{8}", "-", name)
    return f"{'s3api' if service == 's3' else service}.{words.strip('-').lower()}"


def thief(what: str) -> Caller:
    """The stolen key in the attacker's hands; the user agent ends in the command."""
    identity = user_identity(PRODUCTION, STORY.stolen_user, STORY.stolen_access_key)
    return Caller(identity, ATTACKER, f"{story.ATTACKER_CLI}{what}")


def look_around(rng: random.Random) -> Iterator[Step]:
    at = float(story.FIRST_CALL)
    user = f"arn:aws:iam::{PRODUCTION.id}:user/{STORY.stolen_user}"
    for _ in range(2):
        yield at, "us-east-1", thief("sts.get-caller-identity"), Call("sts", "GetCallerIdentity")
        at += 2.7
    looks: list[tuple[str, str, str, dict[str, Any] | None, bool]]
    looks = [("us-east-1", *look) for look in _LOOKS]
    for region in PRODUCTION.regions:
        looks += [(region, *look) for look in _LOOKS_EVERYWHERE]
    for bucket in (bucket for bucket in BUCKETS if bucket.account is PRODUCTION):
        asked = {"bucketName": bucket.name, "Host": bucket.endpoint}
        looks += [
            (bucket.region, "s3", name, asked, name != "GetBucketPolicy") for name in _BUCKET_LOOKS
        ]
    for _ in range(2):  # the script is run again, with another profile and the same outcome
        for region, service, name, parameters, allowed in looks:
            error = None
            if not allowed:
                error = _EC2_DENIED if service == "ec2" else denied(user, f"{service}:{name}", "*")
            call = Call(
                service, name, parameters if allowed or service == "s3" else None, None, True, error
            )
            yield at, region, thief(command(service, name)), call
            at += rng.uniform(0.8, 3.4)
