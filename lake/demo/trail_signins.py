"""Sign-ins of every kind, and what else is rare: the root user, services acting by themselves,
billing pages in the console, a stranger's account.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from lake.demo.chance import OFFICE, fixed_hex, fixed_id, moment, moments, stream, uuid
from lake.demo.places import SCANNERS
from lake.demo.trail_record import (
    Call,
    Caller,
    TrailEvent,
    centre_identity,
    credentials,
    event,
    user_identity,
)
from lake.demo.world import MARIA, PEOPLE, PRODUCTION, Account

if TYPE_CHECKING:
    import random

    from lake.demo.world import Person


def sign_in_events(seed: int) -> list[TrailEvent]:
    """Console sign-ins that worked and that did not, with and without MFA, and federated ones."""
    rng = stream(seed, "trail sign-ins")
    events = []
    for person in PEOPLE:
        for at in moments(rng, 11, OFFICE, person.utc_offset):
            if person.kind == "iam":
                if rng.random() < 0.2:
                    events.append(
                        console_login(
                            rng,
                            at - 21,
                            person.account,
                            person.name,
                            person.address,
                            person.agent,
                            False,
                            "Failed",
                        )
                    )
                events.append(
                    console_login(
                        rng,
                        at,
                        person.account,
                        person.name,
                        person.address,
                        person.agent,
                        person.uses_mfa,
                    )
                )
            else:
                events += _federated(rng, at, person)
    for at in moments(rng, 26):  # guesses from outside; the name is hidden when it is wrong
        address = SCANNERS.address(rng.randrange(256, 65000))
        name = "HIDDEN_DUE_TO_SECURITY_REASONS" if rng.random() < 0.6 else MARIA.name
        events.append(
            console_login(
                rng, at, PRODUCTION, name, address, "python-requests/2.31.0", False, "Failed"
            )
        )
    for day in (1, 2, 3):  # deployments begin with the build system's token
        for at in moments(rng, 30, OFFICE, 1, moment(day, 0, 0), moment(day, 23, 0)):
            events.append(_web_identity(rng, at))
    return events


def console_login(
    rng: random.Random,
    at: float,
    account: Account,
    name: str,
    address: str,
    agent: str,
    mfa: bool,
    result: str = "Success",
) -> TrailEvent:
    """A sign-in to the console by an IAM user; the event says Success or Failure."""
    identity = user_identity(account, name, "")
    failed = result != "Success"
    message = "Failed authentication"
    if failed:  # then the identity is only claimed, and a wrong name is not repeated
        del identity["arn"]
        identity["accessKeyId"] = ""
        if name.startswith("HIDDEN"):
            del identity["principalId"]
            message = "No username found in supplied account"
    extra = {
        "LoginTo": "https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true"
        "&nc2=h_ct&src=header-signin",
        "MobileVersion": "No",
        "MFAUsed": "Yes" if mfa else "No",
    }
    if mfa:
        extra["MFAIdentifier"] = f"arn:aws:iam::{account.id}:mfa/{name}"
    call = Call(
        "signin",
        "ConsoleLogin",
        None,
        {"ConsoleLogin": "Failure" if failed else "Success"},
        False,
        ("Failure", message) if failed else None,
        extra=extra,
        kind="AwsConsoleSignIn",
    )
    made = event(rng, at, account, "us-east-1", Caller(identity, address, agent), call)
    if failed:  # the event has a message but no code
        del made.record["errorCode"]
    return made


def _federated(rng: random.Random, at: float, person: Person) -> list[TrailEvent]:
    """Through Identity Center (sign-in, choice of a role) or through a SAML provider."""
    account = person.account
    mail = f"{person.name}@halden.example"
    if person.kind == "sso":
        caller = Caller(centre_identity(person), person.address, person.agent)
        extra = {"AuthWorkflowID": uuid(rng), "CredentialType": "PASSWORD", "UserName": person.name}
        first = Call(
            "signin",
            "UserAuthentication",
            None,
            {},
            False,
            extra=extra,
            details={"UserAuthentication": "Success"},
            kind="AwsServiceEvent",
        )
        then = Call(
            "sso",
            "Federate",
            None,
            None,
            False,
            kind="AwsServiceEvent",
            details={"role_name": "AdministratorAccess", "account_id": account.id},
        )
        return [
            event(rng, at, account, "eu-central-1", caller, first),
            event(rng, at + 4, account, "eu-central-1", caller, then),
        ]
    provider = f"arn:aws:iam::{account.id}:saml-provider/HaldenDirectory"
    issuer = base64.b64encode(bytes.fromhex(fixed_hex("saml issuer", 40))).decode()
    identity = {
        "type": "SAMLUser",
        "principalId": f"{issuer}:{mail}",
        "userName": mail,
        "identityProvider": issuer,
    }
    caller = Caller(identity, person.address, person.agent)
    return [
        event(
            rng,
            at,
            account,
            "us-east-1",
            caller,
            _assume_with(
                rng,
                at,
                account,
                "AssumeRoleWithSAML",
                "Analyst",
                mail,
                {"sAMLAssertionID": "_" + uuid(rng), "principalArn": provider},
                ("AWS::IAM::SAMLProvider", provider),
            ),
        )
    ]


def _web_identity(rng: random.Random, at: float) -> TrailEvent:
    issuer = "token.actions.githubusercontent.com"
    provider = f"arn:aws:iam::{PRODUCTION.id}:oidc-provider/{issuer}"
    subject = "repo:halden-example/shop:environment:production"
    identity = {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:sts.amazonaws.com:{subject}",
        "userName": subject,
        "identityProvider": provider,
    }
    caller = Caller(identity, "22.12.90.4", "aws-sdk-js/3.750.0 ua/2.1 os/linux lang/js")
    return event(
        rng,
        at,
        PRODUCTION,
        "us-east-1",
        caller,
        _assume_with(
            rng,
            at,
            PRODUCTION,
            "AssumeRoleWithWebIdentity",
            "github-deploy",
            "GitHubActions",
            {},
            ("AWS::IAM::Role", f"arn:aws:iam::{PRODUCTION.id}:role/github-deploy"),
        ),
    )


def _assume_with(
    rng: random.Random,
    at: float,
    account: Account,
    name: str,
    role: str,
    session: str,
    more: dict[str, Any],
    resource: tuple[str, str],
) -> Call:
    arn = f"arn:aws:iam::{account.id}:role/{role}"
    response = {
        "credentials": credentials(rng, at, 3600),
        "assumedRoleUser": {
            "assumedRoleId": fixed_id("AROA", f"{account.id} {role}") + f":{session}",
            "arn": f"arn:aws:sts::{account.id}:assumed-role/{role}/{session}",
        },
    }
    return Call(
        "sts",
        name,
        {"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600, **more},
        response,
        resources=(resource,),
    )
