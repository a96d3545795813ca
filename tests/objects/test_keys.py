"""What a key says of an object's account and region."""

from __future__ import annotations

import pytest

from lake.objects.keys import KeyFacts, key_facts


@pytest.mark.parametrize(
    ("key", "facts"),
    [
        (
            "AWSLogs/123456789012/CloudTrail/us-east-1/2024/02/01/x.json.gz",
            KeyFacts("123456789012", "us-east-1"),
        ),
        (
            "o/aws-account-id=123456789012/aws-region=us-gov-west-1/x.parquet",
            KeyFacts("123456789012", "us-gov-west-1"),
        ),
        ("a/123456789012_vpcflowlogs_eu-west-1_fl-1.log", KeyFacts("123456789012", "eu-west-1")),
        ("AWSLogs/12345678901/CloudTrail/us-east/x.json", KeyFacts(None, None)),
        # digits of another script, which int() would take
        (
            "AWSLogs/\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662/x",
            KeyFacts(None, None),
        ),
        ("AWSLogs/us-east-\u0661/x", KeyFacts(None, None)),
    ],
)
def test_only_what_has_the_right_shape_is_taken(key: str, facts: KeyFacts) -> None:
    assert key_facts(key) == facts
