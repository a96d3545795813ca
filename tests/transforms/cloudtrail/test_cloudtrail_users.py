"""Who did it, and to whom: every identity type of CloudTrail.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

from typing import Any

import pytest
from cloudtrail_records import ROLE_SESSION, at, given, row

# -- who: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html

IDENTITIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "root",
        {
            "type": "Root",
            "principalId": "111122223333",
            "arn": "arn:aws:iam::111122223333:root",
            "accountId": "111122223333",
            "userName": "account-alias",
        },
        {"name": "root", "id": "111122223333", "type": "Root"},
    ),
    (
        "IAM user under a path",
        {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLEUSERID0001",
            "arn": "arn:aws:iam::111122223333:user/division/bob",
            "accountId": "111122223333",
            "accessKeyId": "AKIAEXAMPLEKEY000001",
            "userName": "bob",
        },
        {
            "name": "bob",
            "id": "AIDAEXAMPLEUSERID0001",
            "type": "IAMUser",
            "access_key": {"id": "AKIAEXAMPLEKEY000001"},
        },
    ),
    (
        "IAM user without userName",
        {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/division/bob"},
        {"name": "bob", "id": "arn:aws:iam::111122223333:user/division/bob", "type": "IAMUser"},
    ),
    (
        "a name with a colon stays whole",
        {"type": "Directory", "principalId": "d-1:joe", "userName": "DOMAIN:joe"},
        {"name": "DOMAIN:joe", "id": "d-1:joe", "type": "Directory"},
    ),
    (
        "a Windows domain is said",
        {"type": "Directory", "principalId": "d-1:joe", "userName": "CORP\\joe"},
        {"name": "CORP\\joe", "id": "d-1:joe", "type": "Directory", "domain": "CORP"},
    ),
    (
        "a session name with / and : stays whole",
        {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLEROLEID0001:dev:team/x",
            "arn": "arn:aws:sts::111122223333:assumed-role/Deploy/dev:team/x",
            "accountId": "111122223333",
        },
        {
            "name": "dev:team/x",
            "id": "AROAEXAMPLEROLEID0001:dev:team/x",
            "type": "AssumedRole",
            "roles": ["Deploy"],
            "session": {"name": "dev:team/x"},
        },
    ),
    (
        "a session whose ARN lacks its name",
        {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLEROLEID0001:ci",
            "arn": "arn:aws:sts::111122223333:assumed-role/Deploy",
        },
        {
            "name": "ci",
            "id": "AROAEXAMPLEROLEID0001:ci",
            "type": "AssumedRole",
            "roles": ["Deploy"],
            "session": {"name": "ci"},
        },
    ),
    (
        "a role that acts as such",
        {
            "type": "Role",
            "principalId": "AROAEXAMPLEROLEID0001",
            "arn": "arn:aws:iam::111122223333:role/service-role/Deploy",
        },
        {"name": "Deploy", "id": "AROAEXAMPLEROLEID0001", "type": "Role", "roles": ["Deploy"]},
    ),
    (
        "federated user",
        {
            "type": "FederatedUser",
            "principalId": "111122223333:carol",
            "arn": "arn:aws:sts::111122223333:federated-user/carol",
            "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLEKEY000002",
            "sessionContext": {"sessionIssuer": {"type": "IAMUser", "userName": "broker"}},
        },
        {
            "name": "carol",
            "id": "111122223333:carol",
            "type": "FederatedUser",
            "access_key": {"id": "ASIAEXAMPLEKEY000002"},
            "session": {"name": "carol"},
        },
    ),
    (
        "SAML user",
        {
            "type": "SAMLUser",
            "principalId": "QUALIFIER=:dan@example.com",
            "userName": "dan@example.com",
            "identityProvider": "arn:aws:iam::111122223333:saml-provider/Okta",
        },
        {
            "name": "dan@example.com",
            "id": "QUALIFIER=:dan@example.com",
            "type": "SAMLUser",
            "email": "dan@example.com",
            "domain": "arn:aws:iam::111122223333:saml-provider/Okta",
        },
    ),
    (
        "web identity user",
        {
            "type": "WebIdentityUser",
            "principalId": "accounts.google.com:app-1.apps.googleusercontent.com:1234",
            "userName": "1234",
            "identityProvider": "accounts.google.com",
        },
        {
            "name": "1234",
            "id": "accounts.google.com:app-1.apps.googleusercontent.com:1234",
            "type": "WebIdentityUser",
            "domain": "accounts.google.com",
        },
    ),
    (
        "Identity Center user",
        {
            "type": "IdentityCenterUser",
            "accountId": "111122223333",
            "onBehalfOf": {
                "userId": "544894e8-80c1-707f-60e3-000000000001",
                "identityStoreArn": "arn:aws:identitystore::111122223333:identitystore/d-1",
            },
            "credentialId": "90e292de-5eb8-446e-9602-000000000002",
        },
        {
            "name": "544894e8-80c1-707f-60e3-000000000001",
            "id": "544894e8-80c1-707f-60e3-000000000001",
            "type": "IdentityCenterUser",
        },
    ),
    (
        "AWS service",
        {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"},
        {
            "name": "autoscaling.amazonaws.com",
            "id": "autoscaling.amazonaws.com",
            "type": "AWSService",
        },
    ),
    (
        "another account",
        {
            "type": "AWSAccount",
            "principalId": "AROAOTHERROLEID000001:job",
            "accountId": "999988887777",
        },
        {"name": "job", "id": "AROAOTHERROLEID000001:job", "type": "AWSAccount"},
    ),
    (
        "another account, no more said",
        {"type": "AWSAccount", "principalId": "", "accountId": "999988887777"},
        {"name": "999988887777", "id": "999988887777", "type": "AWSAccount"},
    ),
    (
        "anonymous",
        {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"},
        {"name": "anonymous", "id": "anonymous", "type": "AWSAccount"},
    ),
    (
        "unknown",
        {"type": "Unknown", "principalId": "", "accountId": "111122223333", "arn": ""},
        {"type": "Unknown"},
    ),
    (
        "no type, a service",
        {"accountId": "111122223333", "invokedBy": "ec2.amazonaws.com"},
        {"name": "ec2.amazonaws.com", "id": "ec2.amazonaws.com"},
    ),
    ("empty", {}, {}),
]


@pytest.mark.parametrize(
    ("identity", "user"), [i[1:] for i in IDENTITIES], ids=[i[0] for i in IDENTITIES]
)
def test_user_of_each_identity_type(identity: dict[str, Any], user: dict[str, Any]) -> None:
    assert (given(row(userIdentity=identity)["user"]) or {}) == user


def test_an_identity_center_sign_in_names_the_user_beside_the_identity() -> None:
    found = row(
        "signin",
        "UserAuthentication",
        userIdentity={
            "type": "Unknown",
            "principalId": "111122223333",
            "arn": "",
            "accountId": "111122223333",
            "accessKeyId": "",
        },
        additionalEventData={"UserName": "alice", "CredentialType": "PASSWORD"},
        serviceEventDetails={"UserAuthentication": "Failure", "CredentialType": "PASSWORD"},
        eventType="AwsServiceEvent",
    )
    # the account is nobody's id
    assert (at(found, "user.name"), at(found, "user.id")) == ("alice", None)
    assert at(found, "user.access_key.id") is None
    assert at(found, "event.outcome") == "failure"
    assert at(found, "event.category") == ["authentication"]


def test_null_identity() -> None:
    found = row(userIdentity=None, sourceIPAddress="AWS Internal")
    assert at(found, "user.name") is None
    assert (at(found, "source.address"), at(found, "source.ip")) == ("AWS Internal", None)


def test_role_session_on_behalf_of_a_person_relates_both() -> None:
    identity = ROLE_SESSION | {"onBehalfOf": {"userId": "u-1", "identityStoreArn": "arn:x"}}
    context = ROLE_SESSION["sessionContext"] | {"sourceIdentity": "alice"}
    found = row(userIdentity=identity | {"sessionContext": context})
    assert at(found, "user.id") == "AROAEXAMPLEROLEID0001:alice@example.com"
    assert at(found, "related.user") == ["Admin", "alice", "alice@example.com", "u-1"]


def test_the_sign_in_behind_a_session_is_kept() -> None:
    sign_in = "arn:aws:signin:us-east-1:111122223333:session/0f1e2d3c"
    context = ROLE_SESSION["sessionContext"] | {"signInSessionArn": sign_in}
    found = row(userIdentity=ROLE_SESSION | {"sessionContext": context})
    assert at(found, "native.userIdentity.sessionContext.signInSessionArn") == sign_in


def test_a_federated_user_relates_the_user_who_asked_for_the_credentials() -> None:
    found = row(
        userIdentity={
            "type": "FederatedUser",
            "principalId": "111122223333:carol",
            "arn": "arn:aws:sts::111122223333:federated-user/carol",
            "sessionContext": {"sessionIssuer": {"type": "IAMUser", "userName": "broker"}},
        }
    )
    assert at(found, "user.roles") is None
    assert at(found, "related.user") == ["broker", "carol"]


def test_assume_role_names_the_effective_user() -> None:
    found = row(
        "sts",
        "AssumeRole",
        requestParameters={
            "roleArn": "arn:aws:iam::444455556666:role/ops/Audit",
            "roleSessionName": "review",
        },
        responseElements={
            "credentials": {"accessKeyId": "ASIAEXAMPLEKEY000003"},
            "assumedRoleUser": {
                "assumedRoleId": "AROAEXAMPLEROLEID0002:review",
                "arn": "arn:aws:sts::444455556666:assumed-role/Audit/review",
            },
        },
    )
    assert given(at(found, "user.effective")) == {
        "id": "AROAEXAMPLEROLEID0002:review",
        "name": "review",
    }
    assert at(found, "user.name") == "alice@example.com"
    assert at(found, "user.target.roles") == ["Audit"]
    assert at(found, "related.user") == ["Admin", "Audit", "alice@example.com", "review"]


def test_a_role_that_is_refused_or_changed_is_named() -> None:
    asked = {"roleArn": "arn:aws:iam::444455556666:role/ops/Audit", "roleSessionName": "x"}
    refused = row("sts", "AssumeRole", requestParameters=asked, errorCode="AccessDenied")
    assert at(refused, "user.target.roles") == ["Audit"]
    assert given(at(refused, "user.effective")) == {}
    policy = {"roleName": "Audit", "policyName": "p", "policyDocument": "{}"}
    changed = row("iam", "PutRolePolicy", requestParameters=policy)
    assert at(changed, "user.target.roles") == ["Audit"]
    assert at(changed, "related.user") == ["Admin", "Audit", "alice@example.com"]
    read_only = row("iam", "GetRole", requestParameters={"roleName": "Audit"})
    assert at(read_only, "user.target.roles") is None


def test_a_role_of_identity_center_is_named() -> None:
    details = {"role_name": "Audit", "account_id": "444455556666"}
    found = row("sso", "GetRoleCredentials", serviceEventDetails=details)
    assert at(found, "user.target.roles") == ["Audit"]


@pytest.mark.parametrize(
    ("source", "name", "asked", "target"),
    [
        ("identitystore", "UpdateUser", {"userId": "u-7"}, "u-7"),
        ("identitystore", "CreateGroupMembership", {"memberId": {"userId": "u-7"}}, "u-7"),
        ("sso-directory", "AddMemberToGroup", {"member": {"memberId": "u-7"}}, "u-7"),
        ("sso", "CreateAccountAssignment", {"principalType": "USER", "principalId": "u-7"}, "u-7"),
        ("sso", "CreateAccountAssignment", {"principalType": "GROUP", "principalId": "g"}, None),
        ("identitystore-scim", "PatchUser", {"tenantId": "t", "id": "u-7"}, "u-7"),
        ("identitystore-scim", "PatchGroup", {"tenantId": "t", "id": "g-1"}, None),
    ],
)
def test_the_person_of_identity_center_whom_a_call_is_about(
    source: str, name: str, asked: dict[str, Any], target: str | None
) -> None:
    found = row(source, name, requestParameters={"groupId": "g-1"} | asked)
    assert at(found, "user.target.id") == target
    assert (target in at(found, "related.user")) == (target is not None)


@pytest.mark.parametrize(
    ("source", "name", "target"),
    [
        ("iam", "ListAccessKeys", None),
        ("iam", "GetUser", None),
        ("iam", "AttachUserPolicy", "bob"),
        ("transfer", "CreateUser", "bob"),
        ("transfer", "ImportSshPublicKey", "bob"),
    ],
)
def test_who_is_only_asked_about_is_related_and_no_target(
    source: str, name: str, target: str | None
) -> None:
    found = row(source, name, requestParameters={"userName": "bob"})
    assert at(found, "user.target.name") == target
    assert at(found, "related.user") == ["Admin", "alice@example.com", "bob"]


def test_a_user_who_is_renamed_is_found_by_both_names() -> None:
    found = row("iam", "UpdateUser", requestParameters={"userName": "bob", "newUserName": "rob"})
    assert at(found, "user.changes.name") == "rob"
    assert at(found, "related.user") == ["Admin", "alice@example.com", "bob", "rob"]


def test_a_person_who_is_provisioned_is_known_by_the_answer() -> None:
    made = {"id": "u-8", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    found = row("identitystore-scim", "CreateUser", responseElements=made)
    assert at(found, "user.target.id") == "u-8"
    assert at(found, "related.user") == ["Admin", "alice@example.com", "u-8"]


def test_a_user_of_a_directory_is_named() -> None:
    asked = {"directoryId": "d-1", "userName": "jd"}
    found = row("ds", "ResetUserPassword", requestParameters=asked)
    assert at(found, "user.target.name") == "jd"


def test_a_session_for_a_certificate_names_its_role() -> None:
    role = "arn:aws:iam::111122223333:role/ops/Backup"
    asked = {"roleArn": role, "trustAnchorArn": "arn:x", "profileArn": "arn:y", "cert": "MII"}
    session = {
        "assumedRoleId": "AROAEXAMPLEROLEID0004:5a0c",
        "arn": "arn:aws:sts::111122223333:assumed-role/Backup/5a0c",
    }
    found = row(
        "rolesanywhere",
        "CreateSession",
        userIdentity={"type": "Unknown", "principalId": "", "arn": "", "userName": ""},
        requestParameters=asked,
        responseElements={"credentialSet": [{"assumedRoleUser": session, "roleArn": role}]},
    )
    assert at(found, "user.target.roles") == ["Backup"]
    assert given(at(found, "user.effective")) == {"id": session["assumedRoleId"], "name": "5a0c"}
    assert at(found, "related.user") == ["5a0c", "Backup"]
    refused = row("rolesanywhere", "CreateSession", requestParameters=asked, errorCode="x")
    assert at(refused, "user.target.roles") == ["Backup"]


def test_a_token_of_identity_center_names_the_person() -> None:
    person = "94482488-3041-7026-a1b2-7c8f9d0e1f2a"
    found = row(
        "sso-oauth",
        "CreateTokenWithIAM",
        additionalEventData={"identitystore:UserId": person},
    )
    assert given(at(found, "user.effective")) == {"id": person}
    assert at(found, "related.user") == [person, "Admin", "alice@example.com"]


def test_a_hidden_name_is_nobodys() -> None:
    hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
    asked = {"userPoolId": "p", "username": hidden}
    found = row("cognito-idp", "AdminDisableUser", requestParameters=asked)
    assert at(found, "user.target.name") is None
    assert at(found, "related.user") == ["Admin", "alice@example.com"]


def test_users_of_a_cognito_pool() -> None:
    sub = "5f0c2d1e-0000-4000-8000-000000000001"
    nobody = {"type": "Unknown", "principalId": "Anonymous"}
    own = row("cognito-idp", "InitiateAuth", userIdentity=nobody, additionalEventData={"sub": sub})
    assert (at(own, "user.id"), at(own, "user.target.id")) == (sub, None)
    assert at(own, "related.user") == [sub, "Anonymous"]
    by_admin = row("cognito-idp", "AdminDisableUser", additionalEventData={"sub": sub})
    assert at(by_admin, "user.id") == "AROAEXAMPLEROLEID0001:alice@example.com"
    assert at(by_admin, "user.target.id") == sub
    unknown = row("cognito-idp", "InitiateAuth", userIdentity=nobody)
    assert at(unknown, "user.id") == "Anonymous"


def test_a_key_of_ones_own_names_whose_it_is() -> None:
    made = {"accessKey": {"userName": "bob", "accessKeyId": "AKIAEXAMPLE", "status": "Active"}}
    found = row("iam", "CreateAccessKey", responseElements=made)
    assert at(found, "user.target.name") == "bob"
    assert at(found, "related.access_keys") == ["AKIAEXAMPLE"]


@pytest.mark.parametrize(
    ("service", "call", "told"),
    [
        ("sts", "AssumeRole", {"responseElements": {"credentials": {"accessKeyId": "ASIAONE"}}}),
        (
            "sts",
            "GetSessionToken",
            {"responseElements": {"credentials": {"accessKeyId": "ASIAONE"}}},
        ),
        (
            "rolesanywhere",
            "CreateSession",
            {"responseElements": {"credentialSet": [{"credentials": {"accessKeyId": "ASIAONE"}}]}},
        ),
        (
            "iam",
            "UpdateAccessKey",
            {"requestParameters": {"accessKeyId": "ASIAONE", "status": "Inactive"}},
        ),
    ],
)
def test_keys_that_a_call_hands_out_or_changes(
    service: str, call: str, told: dict[str, Any]
) -> None:
    """So that who looks for a key finds where it came from."""
    found = row(service, call, **told)
    assert at(found, "related.access_keys") == ["ASIAONE"]


def test_a_call_that_names_no_key() -> None:
    hidden = {"credentials": {"accessKeyId": "", "sessionToken": "HIDDEN"}}
    for answer in (None, {"reservationId": "r-1"}, hidden):
        assert (
            at(row("ec2", "RunInstances", responseElements=answer), "related.access_keys") is None
        )


def test_a_sign_in_of_nobody_known_has_no_id() -> None:
    identity = {
        "type": "IAMUser",
        "principalId": "111122223333",
        "accountId": "111122223333",
        "accessKeyId": "",
        "userName": "mallory",
    }
    answer = {"ConsoleLogin": "Failure"}
    found = row("signin", "ConsoleLogin", userIdentity=identity, responseElements=answer)
    assert (at(found, "user.name"), at(found, "user.id")) == ("mallory", None)


@pytest.mark.parametrize("principal", ["222222222222", "arn:aws:iam::222222222222:root"])
def test_assume_root_names_the_accounts_root(principal: str) -> None:
    answered = {"credentials": {"accessKeyId": "ASIAEXAMPLEKEY000004"}}
    asked = {"targetPrincipal": principal, "taskPolicyArn": {"arn": "arn:aws:iam::aws:policy/x"}}
    found = row("sts", "AssumeRoot", requestParameters=asked, responseElements=answered)
    assert given(at(found, "user.effective")) == {"id": "222222222222:root", "name": "root"}
    refused = row("sts", "AssumeRoot", requestParameters=asked, errorCode="AccessDenied")
    assert given(at(refused, "user.effective")) == {}


def test_switch_role_names_the_effective_role() -> None:
    found = row(
        "signin",
        "SwitchRole",
        responseElements={"SwitchRole": "Success"},
        additionalEventData={
            "SwitchFrom": "arn:aws:iam::111122223333:user/bob",
            "SwitchTo": "arn:aws:iam::444455556666:role/Ops",
        },
    )
    assert at(found, "user.effective.name") == "Ops"
    assert at(found, "related.user") == ["Admin", "Ops", "alice@example.com", "bob"]
    assert at(found, "event.outcome") == "success"


def test_iam_calls_name_the_target() -> None:
    created = row(
        "iam",
        "CreateUser",
        requestParameters={"userName": "mallory"},
        responseElements={"user": {"userName": "mallory", "userId": "AIDAEXAMPLEUSERID0009"}},
    )
    renamed = row(
        "iam", "UpdateUser", requestParameters={"userName": "mallory", "newUserName": "trent"}
    )
    read_only = row("iam", "GetUser", requestParameters={"userName": "mallory"})
    assert given(at(created, "user.target")) == {"id": "AIDAEXAMPLEUSERID0009", "name": "mallory"}
    assert at(created, "related.user") == ["Admin", "alice@example.com", "mallory"]
    assert at(renamed, "user.target.name") == "mallory"
    assert at(renamed, "user.changes.name") == "trent"
    assert at(read_only, "user.target.name") is None
