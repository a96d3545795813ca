"""CloudTrail records as people have them: console downloads, lookup-events, odd and broken ones."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudtrail_records import KEY, at, read, record

from lake.stage.preview import preview

# -- other shapes ------------------------------------------------------------------------------


def test_lookup_events_output() -> None:
    whole = record("iam", "CreateUser", requestParameters={"userName": "mallory"})
    answer = {
        "Events": [
            {
                "EventId": whole["eventID"],
                "EventName": "CreateUser",
                "EventTime": "2024-02-01T11:00:00+01:00",
                "Username": "alice@example.com",
                "Resources": [{"ResourceType": "AWS::IAM::User", "ResourceName": "mallory"}],
                "CloudTrailEvent": json.dumps(whole),
            }
        ],
        "NextToken": "x",
    }
    (found,) = preview(json.dumps(answer, indent=4).encode(), "downloads/lookup.json").rows
    (delivered,) = read(whole).rows
    assert at(found, "event.original") == json.dumps(whole)
    assert at(found, "user.target.name") == "mallory"
    assert found["@timestamp"] == datetime(2024, 2, 1, 10, tzinfo=UTC)
    assert at(found, "event.hash") == delivered["event"]["hash"]


def test_lookup_events_without_the_records() -> None:
    summary = {
        "EventId": "ev-1",
        "EventName": "CreateUser",
        "ReadOnly": "false",
        "AccessKeyId": "ASIAEXAMPLEKEY000001",
        "EventTime": 1706781600.0,
        "EventSource": "iam.amazonaws.com",
        "Username": "alice",
        "Resources": [{"ResourceType": "AWS::IAM::User", "ResourceName": "mallory"}],
    }
    (found,) = preview(json.dumps({"Events": [summary]}).encode(), "downloads/lookup.json").rows
    assert found["@timestamp"] == datetime(2024, 2, 1, 10, tzinfo=UTC)
    assert at(found, "event.id") == "ev-1"
    assert at(found, "event.action") == "CreateUser"
    assert at(found, "event.category") == ["iam"]
    assert at(found, "user.name") == "alice"
    assert at(found, "user.access_key.id") == "ASIAEXAMPLEKEY000001"
    assert at(found, "event.outcome") == "unknown"


def test_event_history_as_json() -> None:
    data = json.dumps({"Records": [record(), record(name="ListUsers")]}, indent=2).encode()
    result = preview(data, "downloads/event_history.json")
    assert [r["event"]["action"] for r in result.rows] == ["DescribeInstances", "ListUsers"]


HISTORY = (
    "User name,AWS access key,Event time,Event source,Event name,AWS region,Source IP address,"
    "User agent,Error code,Resources,Request ID,Event ID,Read-only,Event type,"
    "Recipient Account Id,Event category"
)


def history(**values: str) -> dict[str, Any]:
    names = HISTORY.split(",")
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerow({n: values.get(n.replace(" ", "_").replace("-", "_"), "") for n in names})
    result = preview(text.getvalue().encode(), "downloads/event_history.csv")
    assert result.rejects == []
    (only,) = result.rows
    return only


def test_event_history_as_csv() -> None:
    resources = json.dumps([{"resourceType": "AWS::IAM::Group", "resourceName": "Auditors"}])
    found = history(
        User_name="bob",
        AWS_access_key="ASIAEXAMPLEKEY000004",
        Event_time="2024-02-01T10:00:00Z",
        Event_source="iam.amazonaws.com",
        Event_name="AttachGroupPolicy",
        AWS_region="us-east-1",
        Source_IP_address="198.51.100.7",
        User_agent='agent "x", y',
        Error_code="AccessDenied",
        Resources=resources,
        Request_ID="req-1",
        Event_ID="ev-1",
        Read_only="false",
        Event_type="AwsApiCall",
        Recipient_Account_Id="000000000012",
        Event_category="Management",
    )
    assert found["@timestamp"] == datetime(2024, 2, 1, 10, tzinfo=UTC)
    assert at(found, "event.action") == "AttachGroupPolicy"
    assert at(found, "event.category") == ["iam"]
    assert at(found, "event.outcome") == "failure"
    assert at(found, "event.id") == "ev-1"
    assert (at(found, "user.name"), at(found, "user.access_key.id")) == (
        "bob",
        "ASIAEXAMPLEKEY000004",
    )
    assert at(found, "source.ip") == "198.51.100.7"
    assert at(found, "user_agent.original") == 'agent "x", y'
    assert at(found, "cloud.account.id") == "000000000012"
    assert found["native"]["readOnly"] is False
    assert found["native"]["resourceNames"] == resources


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-01T10:00:00Z",
        "2024-02-01 10:00:00",
        "1706781600",
        "1706781600000",
        "2024-02-01, 10:00:00 UTC",
        "2024-02-01, 11:00:00 UTC+01:00",
        "2024-02-01, 10:00:00 AM",
        "February 01, 2024, 11:00:00 (UTC+01:00)",
    ],
)
def test_times_of_the_console(text: str) -> None:
    found = history(Event_time=text, Event_source="iam.amazonaws.com", Event_name="GetUser")
    assert found["@timestamp"] == datetime(2024, 2, 1, 10, tzinfo=UTC)


def test_a_sign_in_of_a_csv_tells_no_outcome() -> None:
    found = history(
        Event_time="2024-02-01T10:00:00Z",
        Event_source="signin.amazonaws.com",
        Event_name="ConsoleLogin",
    )
    assert at(found, "event.outcome") == "unknown"


def test_an_error_code_that_is_empty_says_that_the_call_succeeded() -> None:
    found = history(
        Event_time="2024-02-01T10:00:00Z", Event_source="iam.amazonaws.com", Event_name="GetUser"
    )
    assert at(found, "event.outcome") == "success"
    assert (at(found, "native.errorCode"), at(found, "error.code")) == (None, None)


@pytest.mark.parametrize(
    ("header", "cells", "outcome"),
    [
        ("", "", "unknown"),
        (",errorCode", ",", "success"),
        (",errorCode", ",AccessDenied", "failure"),
        (",errorMessage", ",", "success"),
        (",errorCode,Error code", ",AccessDenied,", "failure"),
        (",eventVersion", ",1.09", "success"),
        (",responseElements", ",{user={userName=bob}}", "success"),
        (",responseElements", ",null", "unknown"),
    ],
)
def test_chosen_columns_tell_the_outcome_or_not(header: str, cells: str, outcome: str) -> None:
    text = (
        f"eventID,eventName,eventSource,eventTime{header}\n"
        f"ev-1,CreateUser,iam.amazonaws.com,2024-02-01 10:00:00.000{cells}\n"
    )
    (found,) = preview(text.encode(), "lake/result_1.csv").rows
    assert at(found, "event.outcome") == outcome


def test_older_headers() -> None:
    text = (
        "Event ID,Event time,User name,Event name,Resource type,Resource name,AWS access key,"
        "AWS region,Error code,Source IP address,Request ID,Event source,Read-only\n"
        "ev-1,2019-07-05T12:30:19Z,bob,RunInstances,EC2 VPC,vpc-1,AKIAEXAMPLE,us-east-1,,"
        "198.51.100.7,req-1,ec2.amazonaws.com,false\n"
    )
    (found,) = preview(text.encode(), "downloads/event_history.csv").rows
    assert (at(found, "event.action"), at(found, "user.name")) == ("RunInstances", "bob")
    assert at(found, "cloud.region") == "us-east-1"


def test_digests_are_set_aside_by_key_and_by_content() -> None:
    digest = {
        "awsAccountId": "111122223333",
        "digestStartTime": "2024-02-01T09:00:00Z",
        "digestEndTime": "2024-02-01T10:00:00Z",
        "digestS3Bucket": "trail",
        "logFiles": [],
    }
    data = gzip.compress(json.dumps(digest).encode())
    for key in (KEY.replace("CloudTrail", "CloudTrail-Digest"), "downloads/x.json.gz"):
        result = preview(data, key)
        assert (result.status, result.rows, result.rejects) == ("ignored", [], [])


def test_the_sign_file_of_a_lake_query_is_set_aside() -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-results-file-validation-sign-file-structure.html"""
    sign = {
        "version": "1.0",
        "region": "us-east-1",
        "files": [{"fileHashValue": "de85a48b", "fileName": "result_1.csv.gz"}],
        "hashAlgorithm": "SHA-256",
        "signatureAlgorithm": "SHA256withRSA",
        "queryCompleteTime": "2022-05-10T22:06:30Z",
        "hashSignature": "7664652aaf1d",
        "publicKeyFingerprint": "67b9fa73676d86966b449dd677850753",
    }
    name = "AWSLogs/111122223333/CloudTrail-Lake/Query/2022/05/10/q-1/result_sign.json"
    for key in (name, "downloads/sign.json"):
        result = preview(json.dumps(sign).encode(), key)
        assert (result.status, result.rows, result.rejects) == ("ignored", [], [])
        assert result.reason is not None
        assert result.reason.startswith("CloudTrail Lake sign file")


def test_insights_among_events_go_to_their_table() -> None:
    insight = {
        "eventVersion": "1.08",
        "eventTime": "2024-02-01T10:00:00Z",
        "awsRegion": "eu-central-1",
        "eventID": "ins-1",
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": "111122223333",
        "insightDetails": {"state": "Start", "eventSource": "ssm.amazonaws.com", "eventName": "X"},
        "eventCategory": "Insight",
    }
    result = read(record(), insight, record(name="ListUsers"))
    assert {n: t.num_rows for n, t in result.tables.items() if t.num_rows} == {
        "cloudtrail": 2,
        "cloudtrail_insight": 1,
    }


def test_bad_records_cost_themselves() -> None:
    good = json.dumps(record())
    late = good.replace("2024-02-01T", "2024-02-31T")
    text = f'{{"Records":[{good},"text",null,42,{{}},{late},{good}]}}'
    result = preview(text.encode(), KEY)
    assert [r["log"]["offset"] for r in result.rows] == [1, 7]
    assert [r.position for r in sorted(result.rejects, key=lambda r: r.position)] == [2, 3, 4, 5, 6]
    assert {r.position: r.reason for r in result.rejects}[6] == "no valid time"


def test_a_time_is_needed() -> None:
    result = read(record(eventTime=None))
    assert (result.rows, [r.reason for r in result.rejects]) == ([], ["no valid time"])
