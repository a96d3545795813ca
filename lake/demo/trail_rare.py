"""What is rare in a trail: the root user, services acting by themselves, billing pages in the
console, a stranger's account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lake.demo.chance import fixed_id, hex_id, moment, moments, stream
from lake.demo.trail_changes import KMS_KEY
from lake.demo.trail_record import Call, Caller, TrailEvent, event, role_identity, root_identity
from lake.demo.trail_traffic import admin_role
from lake.demo.world import ACCOUNTS, ALICE, KENJI, LOGISTICS, PRODUCTION

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from lake.demo.world import Account

_ROOT_SIGNS_IN = float(moment(1, 1, 44, 9))


def rare_events(seed: int) -> list[TrailEvent]:
    """The root user, twice; billing in the console; what services do by themselves; a stranger."""
    rng = stream(seed, "trail rare")
    return [*_root(rng), *_billing(rng), *_services(rng), *_stranger(rng)]


def _root(rng: random.Random) -> Iterator[TrailEvent]:
    """Signs in, and looks at the account."""
    at, where = _ROOT_SIGNS_IN, "us-east-1"
    extra = {
        "LoginTo": "https://console.aws.amazon.com/console/home",
        "MobileVersion": "No",
        "MFAUsed": "Yes",
    }
    login = Call(
        "signin",
        "ConsoleLogin",
        None,
        {"ConsoleLogin": "Success"},
        False,
        extra=extra,
        kind="AwsConsoleSignIn",
    )
    root = Caller(root_identity(LOGISTICS), KENJI.address, KENJI.agent)
    yield event(rng, at, LOGISTICS, where, root, login)
    root = Caller(root_identity(LOGISTICS, at), KENJI.address, KENJI.agent)
    yield event(rng, at + 190, LOGISTICS, where, root, Call("iam", "GetAccountSummary"))


def _billing(rng: random.Random) -> Iterator[TrailEvent]:
    mail = "alice.meyer@halden.example"
    admin = role_identity(PRODUCTION, admin_role(), mail, _ROOT_SIGNS_IN, mfa=True)
    alice = Caller(admin, ALICE.address, ALICE.agent)
    for name in ("GetContactInformation", "GetAlternateContact"):
        call = Call("billingconsole", name, {"map": {}}, kind="AwsConsoleAction")
        yield event(rng, moment(1, 9, 12), PRODUCTION, "us-east-1", alice, call)


def _services(rng: random.Random) -> Iterator[TrailEvent]:
    """Keys that turn, snapshots of shared volumes."""
    rotation = {"keyId": KMS_KEY.rsplit("/", 1)[1], "rotationType": "AUTOMATIC"}
    for account in ACCOUNTS:
        for at in moments(rng, 9):
            call = _by_itself("kms", "RotateKey", rotation)
            yield _of_service(rng, at, account, "AWS Internal", call)
        for at in moments(rng, 7):
            snapshot = {"snapshotId": "snap-0" + hex_id(rng, 16)}
            call = _by_itself("ec2", "SharedSnapshotVolumeCreated", snapshot)
            yield _of_service(rng, at, account, "ec2.amazonaws.com", call)


def _by_itself(service: str, name: str, details: dict[str, Any]) -> Call:
    return Call(service, name, None, None, False, kind="AwsServiceEvent", details=details)


def _of_service(
    rng: random.Random, at: float, account: Account, name: str, call: Call
) -> TrailEvent:
    caller = Caller({"accountId": account.id, "invokedBy": name}, name, name)
    return event(rng, at, account, account.regions[0], caller, call)


def _stranger(rng: random.Random) -> Iterator[TrailEvent]:
    """A partner's account tries a role of ours."""
    account, role = "444455556666", f"arn:aws:iam::{PRODUCTION.id}:role/partner-feed"
    identity = {
        "type": "AWSAccount",
        "principalId": fixed_id("AIDA", "stranger"),
        "accountId": account,
    }
    refused = (
        "AccessDenied",
        f"User: arn:aws:iam::{account}:user/feed is not"
        f" authorized to perform: sts:AssumeRole on resource: {role}",
    )
    caller = Caller(identity, "22.10.7.12", "aws-sdk-java/2.30.18")
    for at in moments(rng, 6):
        call = Call("sts", "AssumeRole", None, None, True, refused)
        yield event(rng, at, PRODUCTION, "us-east-1", caller, call)
