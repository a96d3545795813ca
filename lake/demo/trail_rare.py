"""What is rare in a trail: the root user, services acting by themselves, billing pages in the
console, a stranger's account.
"""

from __future__ import annotations

from lake.demo.chance import fixed_id, hex_id, moment, moments, stream
from lake.demo.trail_changes import KMS_KEY
from lake.demo.trail_record import Call, Caller, TrailEvent, event, role_identity, root_identity
from lake.demo.trail_traffic import admin_role
from lake.demo.world import ACCOUNTS, ALICE, KENJI, LOGISTICS, PRODUCTION


def rare_events(seed: int) -> list[TrailEvent]:
    """The root user, twice; what services do by themselves; billing in the console; a stranger."""
    rng = stream(seed, "trail rare")
    events = []
    root = Caller(root_identity(LOGISTICS), KENJI.address, KENJI.agent)
    at = float(moment(1, 1, 44, 9))
    extra = {
        "LoginTo": "https://console.aws.amazon.com/console/home",
        "MobileVersion": "No",
        "MFAUsed": "Yes",
    }
    events.append(
        event(
            rng,
            at,
            LOGISTICS,
            "us-east-1",
            root,
            Call(
                "signin",
                "ConsoleLogin",
                None,
                {"ConsoleLogin": "Success"},
                False,
                extra=extra,
                kind="AwsConsoleSignIn",
            ),
        )
    )
    root = Caller(root_identity(LOGISTICS, at), KENJI.address, KENJI.agent)
    events.append(
        event(rng, at + 190, LOGISTICS, "us-east-1", root, Call("iam", "GetAccountSummary"))
    )
    admin = role_identity(PRODUCTION, admin_role(), "alice.meyer@halden.example", at, mfa=True)
    for name in ("GetContactInformation", "GetAlternateContact"):
        events.append(
            event(
                rng,
                moment(1, 9, 12),
                PRODUCTION,
                "us-east-1",
                Caller(admin, ALICE.address, ALICE.agent),
                Call("billingconsole", name, {"map": {}}, kind="AwsConsoleAction"),
            )
        )
    for account in ACCOUNTS:
        inner = Caller(
            {"accountId": account.id, "invokedBy": "AWS Internal"}, "AWS Internal", "AWS Internal"
        )
        for at in moments(rng, 9):
            events.append(
                event(
                    rng,
                    at,
                    account,
                    account.regions[0],
                    inner,
                    Call(
                        "kms",
                        "RotateKey",
                        None,
                        None,
                        False,
                        kind="AwsServiceEvent",
                        details={"keyId": KMS_KEY.rsplit("/", 1)[1], "rotationType": "AUTOMATIC"},
                    ),
                )
            )
        ec2 = Caller(
            {"accountId": account.id, "invokedBy": "ec2.amazonaws.com"},
            "ec2.amazonaws.com",
            "ec2.amazonaws.com",
        )
        for at in moments(rng, 7):
            events.append(
                event(
                    rng,
                    at,
                    account,
                    account.regions[0],
                    ec2,
                    Call(
                        "ec2",
                        "SharedSnapshotVolumeCreated",
                        None,
                        None,
                        False,
                        kind="AwsServiceEvent",
                        details={"snapshotId": "snap-0" + hex_id(rng, 16)},
                    ),
                )
            )
    stranger = {
        "type": "AWSAccount",
        "principalId": fixed_id("AIDA", "stranger"),
        "accountId": "444455556666",
    }
    for at in moments(rng, 6):  # a partner's account tries a role of ours
        role = f"arn:aws:iam::{PRODUCTION.id}:role/partner-feed"
        events.append(
            event(
                rng,
                at,
                PRODUCTION,
                "us-east-1",
                Caller(stranger, "22.10.7.12", "aws-sdk-java/2.30.18"),
                Call(
                    "sts",
                    "AssumeRole",
                    None,
                    None,
                    True,
                    (
                        "AccessDenied",
                        "User: arn:aws:iam::444455556666:user/feed is not"
                        f" authorized to perform: sts:AssumeRole on resource: {role}",
                    ),
                ),
            )
        )
    return events
