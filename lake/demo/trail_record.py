"""A CloudTrail event: who called (the identity), what they called, and the record of both.

Format: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
(version 1.11). Members stand in the order in which CloudTrail writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake.demo.chance import BASE32, BASE64, fixed_hex, fixed_id, iso, text_id, uuid, written

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from lake.demo.world import Account, Person

Json = dict[str, Any]
GLOBAL_SERVICES = ("iam", "organizations", "support", "ce", "billingconsole")


@dataclass(frozen=True, slots=True)
class Caller:
    """An identity with where it calls from; `address` may be a service's name, as in records."""

    identity: Json
    address: str
    agent: str
    endpoint: str = ""  # the VPC endpoint it comes through

    @property
    def is_service(self) -> bool:
        return self.address.endswith(".amazonaws.com") or self.address == "AWS Internal"


@dataclass(frozen=True, slots=True)
class Call:
    """An API call. `service` is the first label of eventSource; `error` its code and message."""

    service: str
    name: str
    request: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    read_only: bool = True
    error: tuple[str, str] | None = None
    resources: tuple[tuple[str, str], ...] = ()  # type, ARN
    extra: Mapping[str, Any] | None = None
    details: Mapping[str, Any] | None = None  # serviceEventDetails
    kind: str = "AwsApiCall"
    data: bool = False
    request_id: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """A finished record with the time and place that decide which object it lies in."""

    at: float
    account: Account
    region: str
    record: Json = field(repr=False)


def event(
    rng: random.Random, at: float, account: Account, region: str, caller: Caller, call: Call
) -> TrailEvent:
    """The record of `call` by `caller`. Global services are logged in us-east-1."""
    if call.service in GLOBAL_SERVICES:
        region = "us-east-1"
    record: Json = {
        "eventVersion": "1.11",
        "userIdentity": caller.identity,
        "eventTime": iso(at),
        "eventSource": f"{call.service}.amazonaws.com",
        "eventName": call.name,
        "awsRegion": region,
        "sourceIPAddress": caller.address,
        "userAgent": caller.agent,
    }
    if call.service == "s3" and not caller.is_service:  # S3 writes it in brackets
        record["userAgent"] = f"[{caller.agent}]"
    record |= _outcome(call)
    if call.extra:
        record["additionalEventData"] = call.extra
    if call.kind == "AwsApiCall":
        record["requestID"] = call.request_id or uuid(rng)
    record["eventID"] = uuid(rng)
    record["readOnly"] = call.read_only
    if call.resources:
        record["resources"] = [
            {"type": kind, "ARNPrefix": arn}
            if arn.endswith("/")
            else {"accountId": account.id, "type": kind, "ARN": arn}
            for kind, arn in call.resources
        ]
    record["eventType"] = call.kind
    record["managementEvent"] = not call.data
    record["recipientAccountId"] = account.id
    if call.details:
        record["serviceEventDetails"] = call.details
    if caller.identity.get("type") == "AWSService" and call.name == "AssumeRole":
        record["sharedEventID"] = uuid(rng)
    if caller.endpoint:
        record["vpcEndpointId"] = caller.endpoint
        record["vpcEndpointAccountId"] = account.id
    record["eventCategory"] = "Data" if call.data else "Management"
    if not caller.is_service:
        record["tlsDetails"] = _tls(caller, call, region)
    if caller.agent.startswith("Mozilla/") and call.kind == "AwsApiCall":
        record["sessionCredentialFromConsole"] = "true"
    return TrailEvent(at, account, region, record)


def _outcome(call: Call) -> Json:
    """What was asked and what came of it. A failed sign-in is answered all the same."""
    outcome: Json = {}
    if call.error:
        outcome["errorCode"], message = call.error
        if message:
            outcome["errorMessage"] = message
    answered = not call.error or call.kind.endswith("SignIn")
    return outcome | {
        "requestParameters": call.request,
        "responseElements": call.response if answered else None,
    }


def _tls(caller: Caller, call: Call, region: str) -> Json:
    host = call.host
    if not host and call.service == "signin":
        host = f"{region}.signin.aws.amazon.com"
    if not host:
        host = f"{call.service}.{region}.amazonaws.com"
        if call.service == "iam":
            host = "iam.amazonaws.com"
    old = "Terraform" in caller.agent
    return {
        "tlsVersion": "TLSv1.2" if old else "TLSv1.3",
        "cipherSuite": "ECDHE-RSA-AES128-GCM-SHA256" if old else "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": host,
    }


def user_identity(account: Account, name: str, key: str) -> Json:
    identity = {
        "type": "IAMUser",
        "principalId": fixed_id("AIDA", f"{account.id} {name}"),
        "arn": f"arn:aws:iam::{account.id}:user/{name}",
        "accountId": account.id,
    }
    if key:
        identity["accessKeyId"] = key
    return identity | {"userName": name}


def console_identity(account: Account, name: str, since: float, mfa: bool) -> Json:
    """An IAM user who works in the console: with a session."""
    return user_identity(account, name, fixed_id("ASIA", f"{name} {int(since)}")) | {
        "sessionContext": {
            "attributes": {"creationDate": iso(since), "mfaAuthenticated": str(mfa).lower()}
        }
    }


def role_identity(
    account: Account,
    role: str,
    session: str,
    since: float,
    key: str = "",
    mfa: bool = False,
    delivery: str = "",
    path: str = "",
) -> Json:
    """A session of a role. `delivery` is 1.0 or 2.0 where EC2 handed the credentials out."""
    principal = fixed_id("AROA", f"{account.id} {role}")
    context: Json = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": principal,
            "arn": f"arn:aws:iam::{account.id}:role/{path}{role}",
            "accountId": account.id,
            "userName": role,
        },
        "attributes": {"creationDate": iso(since), "mfaAuthenticated": str(mfa).lower()},
    }
    if delivery:
        context["ec2RoleDelivery"] = delivery
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        "arn": f"arn:aws:sts::{account.id}:assumed-role/{role}/{session}",
        "accountId": account.id,
        "accessKeyId": key or fixed_id("ASIA", f"{role} {session} {int(since)}"),
        "sessionContext": context,
    }


def root_identity(account: Account, since: float | None = None) -> Json:
    identity: Json = {
        "type": "Root",
        "principalId": account.id,
        "arn": f"arn:aws:iam::{account.id}:root",
        "accountId": account.id,
        "accessKeyId": "",
    }
    if since is not None:
        identity["accessKeyId"] = fixed_id("ASIA", f"root {account.id} {int(since)}")
        identity["sessionContext"] = {
            "attributes": {"creationDate": iso(since), "mfaAuthenticated": "true"}
        }
    return identity


def service_caller(service: str) -> Caller:
    name = f"{service}.amazonaws.com"
    return Caller({"type": "AWSService", "invokedBy": name}, name, name)


def centre_identity(person: Person) -> Json:
    """A person who signed in through IAM Identity Center, before a role is chosen."""
    store = "d-" + fixed_hex("identity store", 10)
    digits = fixed_hex(f"identity centre {person.name}", 42)
    user = (
        f"{digits[:10]}-{digits[10:18]}-{digits[18:22]}-{digits[22:26]}-{digits[26:30]}-"
        + digits[30:]
    )
    return {
        "type": "IdentityCenterUser",
        "accountId": person.account.id,
        "onBehalfOf": {
            "userId": user,
            "identityStoreArn": f"arn:aws:identitystore::{person.account.id}:identitystore/{store}",
        },
        "credentialId": fixed_hex(f"credential {person.name}", 64),
    }


def credentials(rng: random.Random, at: float, seconds: int) -> Json:
    """What STS hands out."""
    return {
        "accessKeyId": "ASIA" + text_id(rng, 16, BASE32),
        "sessionToken": "IQoJb3JpZ2luX2VjE" + text_id(rng, 63, BASE64),
        "expiration": written(at + seconds),
    }


def denied(arn: str, action: str, resource: str, why: str = "") -> tuple[str, str]:
    """AccessDenied as IAM words it."""
    reason = why or f"because no identity-based policy allows the {action} action"
    return (
        "AccessDenied",
        f"User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}",
    )
