"""What a printed cell says, and what it does not."""

from __future__ import annotations

import json

import pytest

from lake.catalogue import catalogue
from lake.cells import cell_json

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
        ("requestParameters", "{bucketName=b}", {"bucketName": "b"}),
        ("requestParameters", "null", None),
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
        ("userIdentity", "{username={bob}}"),
        ("userIdentity", "{username=bob, sessioncontext={attributes={}}"),
        ("userIdentity", "{username=bob"),
        ("userIdentity", "{sessioncontext=bob}"),
        ("userIdentity", "{}x"),
        ("userIdentity", "bob"),
        ("resources", "[{arn=a}, b]"),
        ("resources", "["),
        # of a map no name is declared: the second one may be part of the first value
        ("requestParameters", "{bucketName=b, key=k}"),
        ("requestParameters", "{url=https://h/?a=b}"),
        ("requestParameters", "{a={b=c}}"),
        ("requestParameters", "HIDDEN_DUE_TO_SECURITY_REASONS"),
    ],
)
def test_what_is_not_stays_text(path: str, text: str) -> None:
    assert json.loads(cell_json(catalogue()["cloudtrail"], path, text)) == text
