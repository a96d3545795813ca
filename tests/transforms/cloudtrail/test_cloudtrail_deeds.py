"""What a call does: ECS category and type by service and verb."""

from __future__ import annotations

from typing import Any

import pytest
from cloudtrail_records import read, record

# -- what --------------------------------------------------------------------------------------

DEEDS = [
    # source, name, category, type
    ("ec2", "DescribeInstances", ["api"], ["info"]),
    ("ec2", "RunInstances", ["host", "configuration"], ["creation"]),
    ("ec2", "TerminateInstances", ["host", "configuration"], ["deletion"]),
    ("ec2", "StopInstances", ["host", "configuration"], ["end"]),
    ("ec2", "AuthorizeSecurityGroupIngress", ["network", "configuration"], ["creation", "change"]),
    ("ec2", "RevokeSecurityGroupEgress", ["network", "configuration"], ["deletion", "change"]),
    ("ec2", "CreateVpc", ["network", "configuration"], ["creation"]),
    ("ec2", "ReplaceRoute", ["network", "configuration"], ["change"]),
    ("ec2", "DescribeSecurityGroups", ["network", "configuration"], ["info"]),
    ("ec2", "GetPasswordData", ["api"], ["access"]),
    ("ec2", "CreateVolume", ["configuration"], ["creation"]),
    ("elasticloadbalancing", "CreateListener", ["network", "configuration"], ["creation"]),
    ("iam", "CreateUser", ["iam"], ["creation", "user"]),
    ("iam", "UpdateUser", ["iam"], ["change", "user"]),
    ("iam", "DeleteUser", ["iam"], ["deletion", "user"]),
    ("iam", "CreateAccessKey", ["iam"], ["creation", "user"]),
    ("iam", "CreateLoginProfile", ["iam"], ["creation", "user"]),
    ("iam", "AddUserToGroup", ["iam"], ["creation", "change", "user", "group"]),
    ("iam", "CreateGroup", ["iam"], ["creation", "group"]),
    ("iam", "AttachRolePolicy", ["iam"], ["creation", "change", "admin"]),
    ("iam", "UpdateAssumeRolePolicy", ["iam"], ["change", "admin"]),
    ("iam", "ListRoles", ["iam"], ["info"]),
    ("sts", "AssumeRole", ["authentication"], ["start"]),
    ("sts", "AssumeRoleWithSAML", ["authentication"], ["start"]),
    ("sts", "GetSessionToken", ["authentication"], ["start"]),
    ("sts", "GetCallerIdentity", ["iam"], ["info"]),
    ("signin", "SwitchRole", ["authentication"], ["start"]),
    ("signin", "ExitRole", ["authentication"], ["end"]),
    ("signin", "CheckMfa", ["authentication"], ["info"]),
    ("signin", "CredentialChallenge", ["authentication"], ["info"]),
    ("signin", "CredentialVerification", ["authentication"], ["info"]),
    ("signin", "UserAuthentication", ["authentication"], ["start"]),
    ("signin", "PasswordRecoveryCompleted", ["authentication"], ["change"]),
    ("sso", "Federate", ["authentication"], ["start"]),
    ("sso", "Logout", ["authentication"], ["end"]),
    ("sso", "CreateAccountAssignment", ["iam"], ["creation", "admin"]),
    ("identitystore", "CreateGroupMembership", ["iam"], ["creation", "group"]),
    ("s3", "GetObject", ["file"], ["access"]),
    ("s3", "HeadObject", ["file"], ["access"]),
    ("s3", "PutObject", ["file"], ["creation", "change"]),
    ("s3", "DeleteObjects", ["file"], ["deletion"]),
    ("s3", "CompleteMultipartUpload", ["file"], ["creation", "change"]),
    ("s3", "GetBucketAcl", ["api"], ["info"]),
    ("s3", "PutBucketPolicy", ["configuration"], ["creation", "change"]),
    ("s3", "PutBucketObjectLockConfiguration", ["configuration"], ["creation", "change"]),
    ("s3", "DeleteBucket", ["configuration"], ["deletion"]),
    ("config", "StopConfigurationRecorder", ["configuration"], ["change", "end"]),
    ("cloudtrail", "StopLogging", ["configuration"], ["change", "end"]),
    ("cloudtrail", "DeleteTrail", ["configuration"], ["deletion"]),
    ("cloudtrail", "LookupEvents", ["configuration"], ["info"]),
    ("rds", "CreateDBInstance", ["database", "configuration"], ["creation"]),
    ("rds", "DescribeDBInstances", ["database"], ["info"]),
    ("dynamodb", "BatchGetItem", ["database"], ["info"]),
    ("kms", "Decrypt", ["api"], ["access"]),
    ("kms", "ScheduleKeyDeletion", ["configuration"], ["deletion"]),
    ("secretsmanager", "GetSecretValue", ["api"], ["access"]),
    ("ssm", "GetParametersByPath", ["api"], ["access"]),
    ("ssm", "SendCommand", ["process"], ["start"]),
    ("ssm", "TerminateSession", ["session"], ["end"]),
    ("ecs", "ExecuteCommand", ["process"], ["start"]),
    ("lambda", "UpdateFunctionCode20150331v2", ["configuration"], ["change"]),
    ("guardduty", "DeleteDetector", ["configuration"], ["deletion"]),
    ("ses", "SendEmail", ["email"], ["start"]),
    ("cognito-idp", "AdminCreateUser", ["iam"], ["creation", "user"]),
    ("cognito-idp", "InitiateAuth", ["authentication"], ["start"]),
    ("cognito-idp", "AdminListUserAuthEvents", ["iam"], ["info", "user"]),
    ("cognito-idp", "Login_GET", ["authentication"], ["info"]),
    ("cognito-idp", "Login_POST", ["authentication"], ["start"]),
    ("cognito-idp", "OAuth2Response_GET", ["authentication"], ["start"]),
    ("cognito-idp", "SAML2Response_POST", ["authentication"], ["start"]),
    ("cognito-idp", "Logout_GET", ["authentication"], ["end"]),
    ("cognito-idp", "AdminUserGlobalSignOut", ["authentication"], ["end"]),
    ("some-new-service", "FrobnicateThing", ["configuration"], ["change"]),
]


@pytest.fixture(scope="module")
def deeds() -> dict[tuple[str, str], dict[str, Any]]:
    result = read(*(record(source, name) for source, name, *_ in DEEDS))
    assert len(result.rows) == len(DEEDS)
    return {
        (r["event"]["module"].removesuffix(".amazonaws.com"), r["event"]["action"]): r["event"]
        for r in result.rows
    }


@pytest.mark.parametrize("name", ["InvokeModel", "Converse", "ConverseStream"])
def test_a_model_is_asked_by_whatever_call(name: str) -> None:
    (found,) = read(record("bedrock", name, readOnly=True)).rows
    assert (found["event"]["category"], found["event"]["type"]) == (["api"], ["start"])


@pytest.mark.parametrize(
    ("source", "name", "category", "kind"),
    [
        ("dsql", "DbConnect", ["database"], ["start"]),
        ("dsql", "DbConnectAdmin", ["database"], ["start"]),
        ("iotdata", "Connect", ["api"], ["start"]),
        ("iotdata", "Disconnect", ["api"], ["end"]),
    ],
)
def test_a_connection_changes_nothing(
    source: str, name: str, category: list[str], kind: list[str]
) -> None:
    (found,) = read(record(source, name, eventCategory="Data", readOnly=False)).rows
    assert (found["event"]["category"], found["event"]["type"]) == (category, kind)


@pytest.mark.parametrize(
    ("source", "name", "category", "kind"), DEEDS, ids=[f"{d[0]}:{d[1]}" for d in DEEDS]
)
def test_category_and_type(
    deeds: dict[tuple[str, str], dict[str, Any]],
    source: str,
    name: str,
    category: list[str],
    kind: list[str],
) -> None:
    assert deeds[source, name]["category"] == category
    assert deeds[source, name]["type"] == kind
