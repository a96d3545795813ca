"""Made CloudTrail records for the tests beside, and how a test reads what became of them.

Records are shaped as the user guide's pages on record contents and user identities show them.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

from lake.stage.preview import Preview, preview

KEY = (
    "AWSLogs/111122223333/CloudTrail/eu-central-1/2024/02/01/"
    "111122223333_CloudTrail_eu-central-1_20240201T1000Z_AbCdEfGhIjKlMnOp.json.gz"
)
ROLE_SESSION: dict[str, Any] = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLEROLEID0001:alice@example.com",
    "arn": "arn:aws:sts::111122223333:assumed-role/Admin/alice@example.com",
    "accountId": "111122223333",
    "accessKeyId": "ASIAEXAMPLEKEY000001",
    "sessionContext": {
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROAEXAMPLEROLEID0001",
            "arn": "arn:aws:iam::111122223333:role/Admin",
            "accountId": "111122223333",
            "userName": "Admin",
        },
        "attributes": {"creationDate": "2024-02-01T09:00:00Z", "mfaAuthenticated": "true"},
    },
}


def record(source: str = "ec2", name: str = "DescribeInstances", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """A management event of alice's; `more` replaces members, None removes one."""
    whole = {
        "eventVersion": "1.11",
        "userIdentity": ROLE_SESSION,
        "eventTime": "2024-02-01T10:00:00Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.15.0 Python/3.11.6 Linux/6.1",
        "requestParameters": None,
        "responseElements": None,
        "requestID": "9d478fc1-4f10-490f-a26b-000000000932",
        "eventID": "eae87c48-d421-4626-94f5-000000000994",
        "readOnly": name.startswith(("Get", "List", "Describe", "Head", "Lookup")),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    } | more
    return {n: v for n, v in whole.items() if v is not None or n.endswith(("Parameters", "ements"))}


def read(*records: dict[str, Any], key: str = KEY) -> Preview:
    return preview(gzip.compress(json.dumps({"Records": records}).encode()), key)


def row(*args: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """The one row of one record."""
    result = read(record(*args, **more))
    assert [r.reason for r in result.rejects] == []
    (only,) = result.rows
    return only


def given(value: object) -> object:
    """A struct without its NULLs, so that a test spells out all that is there."""
    if isinstance(value, dict):
        found = {n: given(v) for n, v in value.items()}
        return {n: v for n, v in found.items() if v is not None and v != {}}
    return value


def at(found: dict[str, Any], path: str) -> Any:  # noqa: ANN401
    """A member by its dotted name; None where it, or a struct around it, is NULL or not there."""
    value: Any = found
    for name in path.split("."):
        value = (value or {}).get(name)
    return value
