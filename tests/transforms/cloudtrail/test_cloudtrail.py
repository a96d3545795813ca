"""One CloudTrail record, every field of it; outcomes, and identities of rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cloudtrail_records import at, given, read, record, row


def test_a_whole_record() -> None:
    found = row(
        "ssm",
        "StartSession",
        requestParameters={"target": "i-0123456789abcdef0"},
        responseElements={"sessionId": "alice-1", "tokenValue": "Value hidden"},
        tlsDetails={
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "ssm.eu-central-1.amazonaws.com",
        },
    )
    assert found["@timestamp"] == datetime(2024, 2, 1, 10, tzinfo=UTC)
    event = given(found["event"])
    assert isinstance(event, dict)
    for moving in ("ingested", "original", "hash"):
        event.pop(moving)
    assert event == {
        "action": "StartSession",
        "category": ["session"],
        "dataset": "cloudtrail",
        "id": "eae87c48-d421-4626-94f5-000000000994",
        "kind": "event",
        "module": "ssm.amazonaws.com",
        "outcome": "success",
        "provider": "ssm.amazonaws.com",
        "type": ["start"],
    }
    assert given(found["cloud"]) == {
        "account": {"id": "111122223333"},
        "instance": {"id": "i-0123456789abcdef0"},
        "provider": "aws",
        "region": "eu-central-1",
        "service": {"name": "ssm"},
    }
    assert given(found["user"]) == {
        "access_key": {"id": "ASIAEXAMPLEKEY000001"},
        "email": "alice@example.com",
        "id": "AROAEXAMPLEROLEID0001:alice@example.com",
        "name": "alice@example.com",
        "roles": ["Admin"],
        "session": {"name": "alice@example.com"},
        "type": "AssumedRole",
    }
    assert given(found["source"]) == {"address": "198.51.100.7", "ip": "198.51.100.7"}
    assert given(found["tls"]) == {
        "cipher": "TLS_AES_128_GCM_SHA256",
        "client": {"server_name": "ssm.eu-central-1.amazonaws.com"},
        "version": "1.3",
        "version_protocol": "tls",
    }
    assert given(found["destination"]) == {
        "address": "ssm.eu-central-1.amazonaws.com",
        "domain": "ssm.eu-central-1.amazonaws.com",
    }
    assert at(found, "http.request.id") == "9d478fc1-4f10-490f-a26b-000000000932"
    assert at(found, "user_agent.original") == "aws-cli/2.15.0 Python/3.11.6 Linux/6.1"
    assert given(found["related"]) == {
        "hosts": ["i-0123456789abcdef0"],
        "ip": ["198.51.100.7"],
        "user": ["Admin", "alice@example.com"],
    }
    assert found["rule"] is None or given(found["rule"]) == {}
    assert found["native"]["requestParameters"] == '{"target":"i-0123456789abcdef0"}'
    assert found["native"]["readOnly"] is False


def test_refused_calls_are_denied() -> None:
    found = row(
        errorCode="Client.UnauthorizedOperation", errorMessage="You are not authorized to do this."
    )
    assert at(found, "event.outcome") == "failure"
    assert at(found, "event.type") == ["info", "denied"]
    assert at(found, "event.reason") == "You are not authorized to do this."
    assert given(found["error"]) == {
        "code": "Client.UnauthorizedOperation",
        "message": "You are not authorized to do this.",
    }


@pytest.mark.parametrize("code", ["ForbiddenException", "401", "403"])
def test_other_names_of_a_refusal(code: str) -> None:
    assert at(row("chime", "GetAccount", errorCode=code), "event.type") == ["info", "denied"]


def test_other_errors_are_failures_but_not_denials() -> None:
    found = row("s3", "GetBucketPolicy", errorCode="NoSuchBucketPolicy")
    assert (at(found, "event.outcome"), at(found, "event.type")) == ("failure", ["info"])
    assert at(found, "event.reason") == "NoSuchBucketPolicy"


@pytest.mark.parametrize(("code", "message"), [(None, None), ("", ""), (None, "")])
def test_empty_errors_are_none(code: str | None, message: str | None) -> None:
    found = row(errorCode=code, errorMessage=message)
    assert at(found, "event.outcome") == "success"
    assert at(found, "error.code") is None


def test_an_http_status_of_success_is_no_error() -> None:
    # Managed Grafana writes its answer's status as errorCode
    saved = row("grafana", "save-dashboard", errorCode="200")
    assert (at(saved, "event.outcome"), at(saved, "error.code")) == ("success", None)
    assert at(saved, "event.reason") is None
    refused = row("grafana", "save-dashboard", errorCode="403")
    assert (at(refused, "event.outcome"), at(refused, "error.code")) == ("failure", "403")


@pytest.mark.parametrize(
    ("status", "outcome"), [(200.0, "success"), (302.0, "success"), (400.0, "failure")]
)
def test_the_status_of_a_page_of_a_cognito_pool(status: float, outcome: str) -> None:
    data = {"responseParameters": {"status": status}, "requestParameters": {"client_id": ["1"]}}
    found = row(
        "cognito-idp", "Token_POST", errorCode="", errorMessage="", additionalEventData=data
    )
    assert at(found, "event.outcome") == outcome


def test_the_status_of_an_answer() -> None:
    """A gateway of AgentCore gives no errorCode."""
    error = {"code": -32001, "message": "Invalid Bearer token"}
    members: dict[str, Any] = {"eventCategory": "Data", "managementEvent": False}
    answer = {"body": {"jsonrpc": "2.0", "error": error}, "statusCode": 401}
    found = row("bedrock-agentcore", "InvokeGateway", responseElements=answer, **members)
    assert at(found, "event.outcome") == "failure"
    assert at(found, "event.type") == ["start", "denied"]
    assert at(found, "event.reason") == "Invalid Bearer token"
    answer = {"body": {"jsonrpc": "2.0", "result": {}}, "statusCode": 200}
    found = row("bedrock-agentcore", "InvokeGateway", responseElements=answer, **members)
    assert (at(found, "event.outcome"), at(found, "event.type")) == ("success", ["start"])


def test_what_a_service_tells_as_failed() -> None:
    status = {"state": "FAILED", "failureReason": "EMAIL_ALREADY_EXISTS"}
    found = row(
        "organizations",
        "CreateAccountResult",
        eventType="AwsServiceEvent",
        serviceEventDetails={"createAccountStatus": status},
    )
    assert at(found, "event.outcome") == "failure"
    assert at(found, "event.reason") == "EMAIL_ALREADY_EXISTS"
    job = row("s3", "JobStatusChanged", serviceEventDetails={"jobId": "1", "status": "Failed"})
    assert at(job, "event.outcome") == "failure"
    done = row("s3", "JobStatusChanged", serviceEventDetails={"jobId": "1", "status": "Complete"})
    assert at(done, "event.outcome") == "success"


def test_network_activity_is_allowed_or_denied() -> None:
    members: dict[str, Any] = {
        "eventCategory": "NetworkActivity",
        "eventType": "AwsVpceEvent",
        "vpcEndpointId": "vpce-0123456789abcdef0",
    }
    allowed = row("s3", "ListBuckets", **members)
    denied = row("s3", "ListBuckets", errorCode="VpceAccessDenied", **members)
    assert at(allowed, "event.category") == ["network", "api"]
    assert at(allowed, "event.type") == ["access", "allowed"]
    assert at(denied, "event.type") == ["access", "denied"]


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        ({"responseElements": {"ConsoleLogin": "Success"}}, "success"),
        ({"responseElements": {"ConsoleLogin": "Failure"}}, "failure"),
        (
            {
                "responseElements": {"ConsoleLogin": "Failure"},
                "errorMessage": "Failed authentication",
            },
            "failure",
        ),
        ({"errorMessage": "No username found in supplied account"}, "failure"),
        ({}, "unknown"),
    ],
)
def test_console_login(members: dict[str, Any], outcome: str) -> None:
    found = row("signin", "ConsoleLogin", eventType="AwsConsoleSignIn", readOnly=False, **members)
    assert at(found, "event.outcome") == outcome
    assert at(found, "event.category") == ["authentication"]
    assert at(found, "event.type") == ["start"]


def test_values_keep_their_text() -> None:
    found = row(eventVersion="1.10", apiVersion="2015_02_01", requestID="0001")
    assert found["native"]["eventVersion"] == "1.10"
    assert found["native"]["requestID"] == "0001"


# -- identity ----------------------------------------------------------------------------------


def test_the_same_event_has_one_identity_and_reused_ids_have_several() -> None:
    again = read(
        record(), record(), record(name="DescribeVpcs"), record(eventTime="2024-02-01T10:00:01Z")
    )
    hashes = [r["event"]["hash"] for r in again.rows]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_records_without_an_id_are_told_apart_by_their_text() -> None:
    found = read(record(eventID=None, requestID="1"), record(eventID=None, requestID="2"))
    assert len({r["event"]["hash"] for r in found.rows}) == 2
