"""Records with what services and programs put around them."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from typing import Any

from logs import (
    ACCOUNT,
    bus_event,
    compact,
    events,
    subscription,
)

EVENTS = events(3)


TEXTS = [json.dumps(event) for event in EVENTS]


def log_events(messages: list[str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html"""
    return {
        "events": [
            {
                "logStreamName": f"{ACCOUNT}_eu-west-1",
                "timestamp": 1_706_781_600_000 + number,
                "message": message,
                "ingestionTime": 1_706_781_609_000,
                "eventId": f"{number:056d}",
            }
            for number, message in enumerate(messages)
        ],
        "searchedLogStreams": [],
    }


def queried(messages: list[str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html"""
    fields = {"@timestamp": "2024-02-01 10:00:00.000", "@log": f"{ACCOUNT}:/flows", "@ptr": "Cl0K"}
    rows = [fields | {"@message": message, "@logStream": "eni-1-all"} for message in messages]
    return {
        "results": [[{"field": n, "value": v} for n, v in row.items()] for row in rows],
        "statistics": {"recordsMatched": len(rows)},
        "status": "Complete",
    }


def table(header: str) -> bytes:
    """A CSV download of CloudWatch Logs."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [f"2024-02-01,{n}", t] for n, t in enumerate(TEXTS)
    )
    return f"{header}\n{text.getvalue()}".encode()


def notice(message: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html"""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:findings",
        "Message": message,
        "Timestamp": "2024-02-01T10:00:10.000Z",
    }


def queued(body: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Message.html"""
    return {"MessageId": "0e4b1f8e", "ReceiptHandle": "AQEB", "MD5OfBody": "0a1b", "Body": body}


def invoked(body: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    return {
        "messageId": "0e4b1f8e",
        "receiptHandle": "AQEB",
        "body": body,
        "attributes": {"SentTimestamp": "1706781609000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:findings",
        "awsRegion": "eu-west-1",
    }


def streamed(text: str) -> str:
    """What CloudWatch Logs sends to Kinesis and to functions."""
    return base64.b64encode(gzip.compress(compact(subscription([text])))).decode()


BUS = [json.dumps(bus_event(event)) for event in EVENTS]


def failed(data: bytes) -> bytes:
    """https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html"""
    return compact(
        {
            "attemptsMade": 1,
            "arrivalTimestamp": 1_706_781_600_000,
            "errorCode": "DataFormatConversion.MalformedData",
            "errorMessage": "Data does not match the schema.",
            "attemptEndingTimestamp": 1_706_781_660_000,
            "rawData": base64.b64encode(data).decode(),
        }
    )
