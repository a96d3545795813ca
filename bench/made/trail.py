"""CloudTrail events: who called what, from where, and whether it was allowed.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.made.calls import CALLS
from bench.made.chance import TOOLS, addresses, hexes, moments, skewed, uuids, weighted
from bench.made.place import compact, iso

if TYPE_CHECKING:
    from bench.made.calls import Call
    from bench.made.chance import Stream
    from bench.made.place import Place

CALLERS = {"AssumedRole": 70.0, "IAMUser": 18.0, "AWSService": 12.0}
ERRORS = {None: 93.0, "AccessDenied": 4.0, "ThrottlingException": 2.0, "NoSuchKey": 1.0}
WEIGHTS = {call: call.weight for call in CALLS}
SERVICES = ("ec2.amazonaws.com", "lambda.amazonaws.com", "config.amazonaws.com")
ADDRESSES, PEOPLE, SESSIONS, THINGS = 3_000, 150, 5_000, 600


def events(rng: Stream, place: Place, count: int) -> list[str]:
    """Records: people and sessions of roles from few addresses, and services."""
    columns = zip(
        *(weighted(rng, WEIGHTS, count), moments(rng, place.begin, place.seconds, count)),
        *(weighted(rng, CALLERS, count), skewed(rng, range(PEOPLE), count)),
        *(skewed(rng, range(SESSIONS), count), skewed(rng, range(THINGS), count)),
        *(skewed(rng, addresses(place.seed, "cloudtrail", ADDRESSES), count),),
        *(skewed(rng, TOOLS, count), weighted(rng, ERRORS, count)),
        *(hexes(rng, 200, count), uuids(rng, count), uuids(rng, count)),
        strict=True,
    )
    return [compact(_event(place, *column)) for column in columns]


def _event(
    place: Place,
    call: Call,
    at: float,
    caller: str,
    person: int,
    session: int,
    thing: int,
    address: str,
    tool: str,
    error: str | None,
    chance: str,
    request: str,
    event: str,
) -> dict[str, Any]:
    if call.name == "ConsoleLogin":
        caller = "IAMUser"
    service = f"{call.service}.amazonaws.com"
    record: dict[str, Any] = {
        "eventVersion": "1.10",
        "userIdentity": _IDENTITIES[caller](place, person, session),
        "eventTime": iso(at),
        "eventSource": service,
        "eventName": call.name,
        "awsRegion": place.region,
        "sourceIPAddress": address,
        "userAgent": tool,
        "requestParameters": None,
        "responseElements": None,
        **call.details(place, thing, chance),
        "requestID": request,
        "eventID": event,
        "readOnly": call.reads,
        "eventType": "AwsConsoleSignIn" if call.name == "ConsoleLogin" else "AwsApiCall",
        "managementEvent": not call.data,
        "recipientAccountId": place.account,
        "eventCategory": "Data" if call.data else "Management",
    }
    if caller == "AWSService":
        record["sourceIPAddress"] = record["userAgent"] = record["userIdentity"]["invokedBy"]
    else:
        record["tlsDetails"] = {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{call.service}.{place.region}.amazonaws.com",
        }
    if error:
        record["responseElements"] = None
        record["errorCode"] = error
        record["errorMessage"] = (
            f"User: {record['userIdentity'].get('arn', 'unknown')} is not authorized to perform: "
            f"{call.service}:{call.name}"
        )
    return record


def _user(place: Place, person: int, session: int) -> dict[str, Any]:
    return {
        "type": "IAMUser",
        "principalId": f"AIDABENCH{person:012d}",
        "arn": f"arn:aws:iam::{place.account}:user/person-{person}",
        "accountId": place.account,
        "accessKeyId": f"AKIABENCH{place.account[-4:]}{person:07d}",
        "userName": f"person-{person}",
    }


def _role(place: Place, person: int, session: int) -> dict[str, Any]:
    role, principal = f"service-{session % 40}", f"AROABENCH{session % 40:012d}"
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:person-{session % PEOPLE}",
        "arn": f"arn:aws:sts::{place.account}:assumed-role/{role}/person-{session % PEOPLE}",
        "accountId": place.account,
        "accessKeyId": f"ASIABENCH{place.account[-4:]}{session:07d}",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal,
                "arn": f"arn:aws:iam::{place.account}:role/{role}",
                "accountId": place.account,
                "userName": role,
            },
            "webIdFederationData": {},
            "attributes": {
                "creationDate": iso(place.begin),
                "mfaAuthenticated": "true" if session % 2 else "false",
            },
        },
    }


def _service(place: Place, person: int, session: int) -> dict[str, Any]:
    return {"type": "AWSService", "invokedBy": SERVICES[session % len(SERVICES)]}


_IDENTITIES = {"IAMUser": _user, "AssumedRole": _role, "AWSService": _service}
