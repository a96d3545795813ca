"""What a printed cell says, and what it does not."""

from __future__ import annotations

import json

import pytest

from lake.decode.cells import cell_json
from lake.sources.catalogue import catalogue

LAKE_IDENTITY = (
    "{type=AssumedRole, principalid=AROA:i-0, arn=arn:aws:sts::1:assumed-role/R/i-0, accountid=1, "
    "accesskeyid=ASIA, username=null, sessioncontext={attributes={creationdate=2023-06-07 "
    "23:59:12.000, mfaauthenticated=true}, sessionissuer={type=Role, principalid=AROA, "
    "arn=arn:aws:iam::1:role/R, accountid=1, username=R}, webidfederationdata={"
    "federatedprovider=null, attributes={}}, sourceidentity=null, ec2roledelivery=2.0, "
    "ec2issuedinvpc=null}, invokedby=null, identityprovider=null, onbehalfof=null}"
)


def test_an_identity_as_cloudtrail_lake_prints_it() -> None:
    found = json.loads(cell_json(catalogue()["cloudtrail"], "userIdentity", LAKE_IDENTITY))
    session = found.pop("sessionContext")
    assert {name: value for name, value in found.items() if value is not None} == {
        "type": "AssumedRole",
        "principalId": "AROA:i-0",
        "arn": "arn:aws:sts::1:assumed-role/R/i-0",
        "accountId": "1",
        "accessKeyId": "ASIA",
    }
    assert session["attributes"] == {
        "creationDate": "2023-06-07 23:59:12.000",
        "mfaAuthenticated": "true",
    }
    assert session["sessionIssuer"]["userName"] == "R"
    assert session["webIdFederationData"] == {"federatedProvider": None, "attributes": {}}
    assert (session["ec2RoleDelivery"], session["ec2IssuedInVpc"]) == ("2.0", None)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("userIdentity", "{userName=a=b,c, d}", {"userName": "a=b,c, d"}),
        ("userIdentity", "{username=null,x}", {"userName": "null,x"}),
        ("userIdentity", '{"userName": "bob"}', {"userName": "bob"}),
        ("userIdentity", "null", None),
        (
            "resources",
            "[{arn=a, arnprefix=null}, {arn=b}]",
            [{"ARN": "a", "ARNPrefix": None}, {"ARN": "b"}],
        ),
        ("resources", "[]", []),
        ("requestParameters", '{"a": [1]}', {"a": [1]}),
        ("userIdentity", "{username={bob}, arn=a}b}", {"userName": "{bob}", "arn": "a}b"}),
        ("userIdentity", "{username=${jndi:x}, arn=a}", {"userName": "${jndi:x}", "arn": "a"}),
        ("userIdentity", "{username={{7*7, arn=a}", {"userName": "{{7*7", "arn": "a"}),
        # the STRUCT has had all of its names
        (
            "userIdentity.sessionContext.attributes",
            "{creationdate=2024, mfaauthenticated=a, signature=b, creationdate=c}",
            {"creationDate": "2024", "mfaAuthenticated": "a, signature=b, creationdate=c"},
        ),
        ("requestParameters", "{bucketName=b}", {"bucketName": "b"}),
        ("requestParameters", "{}", {}),
        (
            "requestParameters",
            "{url=https://h/?a=b, x-amz-acl=a, b, a={b=c}, d=null}",
            {"url": "https://h/?a=b", "x-amz-acl": "a, b", "a": "{b=c}", "d": None},
        ),
        (
            "requestParameters",
            '{instancesSet={"items":[{"instanceId":"i-1, x=y"}]}, force=[1]}',
            {"instancesSet": {"items": [{"instanceId": "i-1, x=y"}]}, "force": [1]},
        ),
        ("requestParameters", "{a=[NaN], b=c}", {"a": "[NaN]", "b": "c"}),
        ("requestParameters", "null", None),
        # what Python printed
        (
            "userIdentity",
            "{'type': 'Role', 'username': \"O'Neil é\", 'sessionContext': {'attributes': None}}",
            {"type": "Role", "userName": "O'Neil é", "sessionContext": {"attributes": None}},
        ),
        ("resources", "[{'arn': 'a'}, {'ARN': 'b'}]", [{"ARN": "a"}, {"ARN": "b"}]),
        ("requestParameters", "{'a': [1, True], 'b c': {}}", {"a": [1, True], "b c": {}}),
        # what is text says what it says
        ("eventName", "null", "null"),
        ("userAgent", "{a=b}", "{a=b}"),
    ],
)
def test_what_is_told_for_certain(path: str, text: str, said: object) -> None:
    assert json.loads(cell_json(catalogue()["cloudtrail"], path, text)) == said


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("userIdentity", "{username=bob, username=eve}"),
        ("userIdentity", "{username=bob, nickname=eve}"),
        ("userIdentity", "{username=bob}}"),
        ("userIdentity", "{username={bob}"),
        ("userIdentity", "{username=bob, sessioncontext={attributes={}}"),
        ("userIdentity", "{username=bob"),
        ("userIdentity", "{sessioncontext=bob}"),
        ("userIdentity", "{}x"),
        ("userIdentity", "bob"),
        ("resources", "[{arn=a}, b]"),
        ("resources", "["),
        ("requestParameters", "{bucketName=b, key=k, bucketName=c}"),
        ("requestParameters", "{bucketName=b, key={k}"),
        ("requestParameters", "{bucketName=b}}"),
        ("requestParameters", "{'a': b}"),
        ("requestParameters", "{'a': {1, 2}}"),
        ("requestParameters", "{'a': 1e999}"),
        ("requestParameters", "{'a': '\\ud800'}"),
        ("requestParameters", "{'a': '\\d'"),
        ("requestParameters", "{'a': " * 500),
        ("requestParameters", "HIDDEN_DUE_TO_SECURITY_REASONS"),
    ],
)
def test_what_is_not_stays_text(path: str, text: str) -> None:
    assert json.loads(cell_json(catalogue()["cloudtrail"], path, text)) == text
