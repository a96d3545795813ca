"""What CloudTrail sees on an ordinary day: machines, services, deployments and people at work.

`HABITS` says who calls what how often. Object calls to audited buckets are the same requests that
S3's access logs tell of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.demo import story
from lake.demo.chance import MACHINES, OFFICE, fixed_hex, fixed_id, moments, pick, stream
from lake.demo.storage import BOTO
from lake.demo.trail_record import (
    Call,
    Caller,
    TrailEvent,
    console_identity,
    credentials,
    event,
    role_identity,
    service_caller,
    user_identity,
)
from lake.demo.world import (
    ACCOUNTS,
    ALICE,
    DEPLOYER,
    DEPOT,
    HOSTS,
    KENJI,
    LOGISTICS,
    MARIA,
    PRODUCTION,
    SHOP_EU,
    SHOP_US,
    TOM,
    YUKI,
    Account,
    Vpc,
    detector_id,
    hosts_of,
)

if TYPE_CHECKING:
    import random


_COLLECTOR = "22.11.3.9"  # a monitoring service that Halden pays for
_BUILD_RUNNER = "22.12.90.4"
_TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.10.5 (+https://www.terraform.io) terraform-provider-aws/"
    "5.89.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.1 "
    "ua/2.1 os/linux lang/go#1.23.5 md/GOOS#linux md/GOARCH#amd64"
)
_AGENT = "amazon-ssm-agent/3.3.1611.0 aws-sdk-go/1.55.5 (go1.22.11; linux; amd64)"
_THROTTLED = ("ThrottlingException", "Rate exceeded")


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that is called again and again: by whom, how often, and how it fails at times."""

    weight: int
    who: str
    service: str
    name: str
    read_only: bool = True
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    error: tuple[str, str] | None = None
    failing: float = 0.0


# fmt: off
HABITS = (
    Habit(14, "instance", "ssm", "UpdateInstanceInformation", False,
          {"agentVersion": "3.3.1611.0", "agentStatus": "Active", "platformType": "Linux",
           "platformName": "Amazon Linux", "platformVersion": "2023"}),
    Habit(13, "lambda", "sts", "AssumeRole"),
    Habit(9, "function", "logs", "CreateLogStream", False,
          {"logGroupName": "/aws/lambda/orders-intake"}),
    Habit(8, "instance", "secretsmanager", "GetSecretValue", True,
          {"secretId": "prod/orders/database"}, error=_THROTTLED, failing=0.01),
    Habit(8, "secrets", "kms", "Decrypt", True,
          {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": {
              "SecretARN": "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/orders"}}),
    Habit(6, "instance", "kms", "GenerateDataKey", True,
          {"keyId": "alias/halden-exports", "keySpec": "AES_256"}),
    Habit(7, "collector", "monitoring", "GetMetricData", True, {"maxDatapoints": 100800},
          error=_THROTTLED, failing=0.03),
    Habit(6, "collector", "ec2", "DescribeInstances", True,
          {"maxResults": 500, "instancesSet": {}, "filterSet": {}}),
    Habit(3, "collector", "rds", "DescribeDBInstances", True, {"maxRecords": 100}),
    Habit(3, "collector", "elasticloadbalancing", "DescribeTargetHealth", True,
          {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup"}),
    Habit(2, "collector", "ec2", "DescribeFlowLogs", True, None,
          error=("Client.UnauthorizedOperation", "You are not authorized to perform this operation."
                 ), failing=1.0),
    Habit(2, "collector", "support", "DescribeTrustedAdvisorChecks", True, None,
          error=("AccessDenied", "User is not authorized to perform: "
                 "support:DescribeTrustedAdvisorChecks"), failing=0.9),
    Habit(5, "config", "ec2", "DescribeSecurityGroups", True, {"filterSet": {}}),
    Habit(4, "config", "s3", "GetBucketAcl", True, {"bucketName": "halden-build-artifacts",
          "acl": "", "Host": "halden-build-artifacts.s3.eu-central-1.amazonaws.com"}),
    Habit(3, "config", "iam", "GetRole", True, {"roleName": "halden-web"}),
    Habit(3, "config", "s3", "GetBucketPolicy", True, {"bucketName": "halden-shop-assets",
          "policy": "", "Host": "halden-shop-assets.s3.us-east-1.amazonaws.com"},
          error=("NoSuchBucketPolicy", "The bucket policy does not exist"), failing=0.25),
    Habit(4, "scaling", "ec2", "DescribeInstanceStatus", True,
          {"instancesSet": {}, "filterSet": {}, "includeAllInstances": False}),
    Habit(4, "deploy", "sts", "GetCallerIdentity"),
    Habit(4, "deploy", "ecr", "GetAuthorizationToken", True, {}),
    Habit(3, "deploy", "ecr", "BatchGetImage", True,
          {"repositoryName": "shop/web", "imageIds": [{"imageTag": "release"}]}),
    Habit(3, "deploy", "cloudformation", "DescribeStacks", True, {"stackName": "shop-web"}),
    Habit(2, "deploy", "iam", "ListRolePolicies", True, {"roleName": "halden-web"}),
    Habit(2, "deploy", "lambda", "UpdateFunctionCode20150331v2", False,
          {"functionName": "orders-intake", "publish": True, "dryRun": False},
          {"functionName": "orders-intake", "runtime": "python3.12", "version": "118"}),
    Habit(2, "deploy", "ecs", "RegisterTaskDefinition", False, {"family": "shop-web"},
          {"taskDefinition": {"family": "shop-web", "revision": 211, "status": "ACTIVE"}}),
    Habit(1, "deploy", "dynamodb", "DescribeTable", True, {"tableName": "terraform-locks"},
          error=("ResourceNotFoundException", "Requested resource not found"), failing=0.3),
    Habit(5, "person", "ec2", "DescribeInstances", True, {"instancesSet": {}, "filterSet": {}}),
    Habit(4, "person", "cloudwatch", "DescribeAlarms", True, {"maxRecords": 100}),
    Habit(3, "person", "s3", "ListBuckets", True, {"Host": "s3.amazonaws.com"}),
    Habit(3, "person", "cloudtrail", "LookupEvents", True, {"maxResults": 50}),
    Habit(2, "person", "guardduty", "ListFindings", True,
          {"detectorId": detector_id(PRODUCTION, "us-east-1")}),
    Habit(2, "person", "iam", "ListUsers", True, None,
          error=("AccessDenied", "User is not authorized to perform: iam:ListUsers"), failing=0.2),
    Habit(2, "person", "lambda", "ListFunctions20150331", True, {"maxItems": 50}),
    Habit(2, "person", "rds", "DescribeDBClusters", True, {"maxRecords": 20}),
    Habit(1, "person", "ce", "GetCostAndUsage", True, {"granularity": "DAILY"},
          error=("AccessDeniedException", "User is not authorized to perform: ce:GetCostAndUsage"),
          failing=0.5),
    Habit(3, "key", "ecr", "GetAuthorizationToken", True, {}),
    Habit(2, "key", "s3", "GetBucketLocation", True, {"bucketName": "halden-build-artifacts",
          "location": "", "Host": "halden-build-artifacts.s3.eu-central-1.amazonaws.com"}),
)
# fmt: on
_PRIVATE = {"person", "deploy", "key"}  # by day only
_SHARES = {
    (PRODUCTION.id, "us-east-1"): 4600,
    (PRODUCTION.id, "eu-central-1"): 2300,
    (PRODUCTION.id, "ap-northeast-1"): 300,
    (LOGISTICS.id, "ap-northeast-1"): 2100,
    (LOGISTICS.id, "us-east-1"): 400,
    (LOGISTICS.id, "eu-central-1"): 200,
}


def everyday_events(seed: int) -> list[TrailEvent]:
    """The ordinary events of both accounts, in no order."""
    events = []
    by_day = [(habit.weight, habit) for habit in HABITS]
    by_night = [(habit.weight, habit) for habit in HABITS if habit.who not in _PRIVATE]
    for account in ACCOUNTS:
        offset = 9 if account is LOGISTICS else 1
        for region in account.regions:
            rng = stream(seed, f"trail {account.id} {region}")
            for at in moments(rng, _SHARES[account.id, region], MACHINES):
                local = int(at // 3600 + offset) % 24
                habit = pick(rng, by_day if OFFICE[local] > 3 else by_night)
                events.append(_habitual(rng, at, account, region, habit))
    return events


def _habitual(
    rng: random.Random, at: float, account: Account, region: str, habit: Habit
) -> TrailEvent:
    error = habit.error if habit.error and rng.random() < habit.failing else None
    if habit.name == "AssumeRole":
        return event(rng, at, account, region, service_caller("lambda"), _assume(rng, at, account))
    caller = _caller(rng, at, account, region, habit.who)
    call = Call(habit.service, habit.name, habit.request, habit.response, habit.read_only, error)
    return event(rng, at, account, region, caller, call)


def _assume(rng: random.Random, at: float, account: Account) -> Call:
    role = f"arn:aws:iam::{account.id}:role/orders-lambda"
    session = rng.choice(("orders-intake", "stock-sync", "mail-out"))
    response = {
        "credentials": credentials(rng, at, 43200),
        "assumedRoleUser": {
            "assumedRoleId": fixed_id("AROA", f"{account.id} orders-lambda") + f":{session}",
            "arn": f"arn:aws:sts::{account.id}:assumed-role/orders-lambda/{session}",
        },
    }
    return Call(
        "sts",
        "AssumeRole",
        {"roleArn": role, "roleSessionName": session},
        response,
        resources=(("AWS::IAM::Role", role),),
    )


def _caller(rng: random.Random, at: float, account: Account, region: str, who: str) -> Caller:
    hour = at // 3600 * 3600
    vpc = _vpc_of(account, region)
    if who in ("instance", "secrets"):
        host = rng.choice([host for host in hosts_of(vpc, "web", "app", "bastion")])
        role = {"web": "halden-web", "app": "halden-export", "bastion": "halden-bastion"}[host.role]
        identity = role_identity(account, role, host.instance or "", hour, delivery="2.0")
        if who == "secrets":
            name = "secretsmanager.amazonaws.com"
            return Caller(identity | {"invokedBy": name}, name, name)
        return Caller(identity, host.address, _AGENT, endpoint_of(vpc))
    if who == "function":
        address = next(host.public for host in HOSTS[vpc.id] if host.role == "nat") or ""
        identity = role_identity(account, "orders-lambda", "orders-intake", hour)
        return Caller(identity, address, "awslambda-worker/1.0 " + BOTO)
    if who == "collector":
        return Caller(role_identity(account, "metrics-reader", "collector", hour), _COLLECTOR, BOTO)
    if who in ("config", "scaling"):
        role, name = {
            "config": ("AWSServiceRoleForConfig", "config.amazonaws.com"),
            "scaling": ("AWSServiceRoleForAutoScaling", "autoscaling.amazonaws.com"),
        }[who]
        identity = role_identity(
            account,
            role,
            "AWSConfig-Describe" if who == "config" else "AutoScaling",
            hour,
            path=f"aws-service-role/{name}/",
        )
        return Caller(identity | {"invokedBy": name}, name, name)
    if who == "deploy":
        identity = role_identity(account, "github-deploy", "GitHubActions", hour)
        return Caller(identity, _BUILD_RUNNER, _TERRAFORM)
    if who == "key" and account is PRODUCTION and at < story.CONTAINED:
        identity = user_identity(account, DEPLOYER.name, story.STORY.stolen_access_key)
        return Caller(identity, DEPLOYER.address, DEPLOYER.agent)
    return person_caller(rng, at, account)


def person_caller(rng: random.Random, at: float, account: Account) -> Caller:
    """Somebody at work in the console."""
    since = at // 14400 * 14400
    if account is LOGISTICS:
        person = rng.choice((KENJI, YUKI))
        identity = console_identity(account, person.name, since, person.uses_mfa)
        return Caller(identity, person.address, person.agent)
    person = rng.choice((ALICE, MARIA, TOM))
    if person.kind == "iam":
        identity = console_identity(account, person.name, since, person.uses_mfa)
    else:
        role = admin_role() if person.kind == "sso" else "Analyst"
        identity = role_identity(account, role, f"{person.name}@halden.example", since, mfa=True)
    return Caller(identity, person.address, person.agent)


def admin_role() -> str:
    return "AWSReservedSSO_AdministratorAccess_" + fixed_hex("permission set", 16)


def _vpc_of(account: Account, region: str) -> Vpc:
    if account is LOGISTICS:
        return DEPOT
    return SHOP_EU if region == "eu-central-1" else SHOP_US


def endpoint_of(vpc: Vpc) -> str:
    return "vpce-0" + fixed_hex(f"endpoint {vpc.id}", 16)
